/// A request of `/infer` that waits. Small ones for the same model may be computed together.
struct TensorWork: Sendable {
    /// The index of the model.
    let model: Int
    let request: ServiceRequest
    let answer: @Sendable (ServiceResponse) -> Void

    /// The maximum bytes of a body that is computed with others: who sends much is not waited for.
    private static let mostBytes = 1 << 14

    /// Whether both may be computed together.
    func joins(_ other: TensorWork) -> Bool {
        model == other.model && request.body.count <= Self.mostBytes && other.request.body.count <= Self.mostBytes
    }

    /// Parses the requests, all for one model, and answers them: images of several together, what cannot be parsed
    /// with its error.
    static func answer(
        _ batch: [TensorWork], _ readers: [ModelReader], models: [ServedModel], metrics: ServiceMetrics
    ) {
        var works: [TensorWork] = [], requests: [InferRequest] = []
        for work in batch {
            do throws(ServiceError) {
                requests.append(try InferRequest(work.request, model: models[work.model]))
                works.append(work)
            } catch {
                work.answer(error.response)
            }
        }
        guard let model = works.first?.model else { return }
        metrics.batched(requests: works.count)
        for request in requests { metrics.took(images: request.count) }
        InferRequest.answer(requests, readers[model]) { index, answers in
            works[index].answer(requests[index].response(answers, model: models[model]))
        }
    }
}
