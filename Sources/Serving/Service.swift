import Formats
import Foundation
import Pictures
import Synchronization
import Tensors
import Workers

/// The service without its sockets: takes requests and returns responses.
///
/// Cheap requests are answered immediately on the calling thread; those that read pictures wait in a bounded queue.
package final class Service: Sendable {
    package struct Options: Sendable {
        /// The number of threads that read pictures.
        package var threads = Machine.usableCores
        /// The maximum number of waiting requests.
        package var queue = 256
        /// The time a request may wait for a thread, in seconds.
        package var deadline = 30.0
        /// The maximum number of pixels of a request's decoded pictures together.
        package var mostPixels = 1 << 24
        /// The folder of runs.
        package var runs = "runs"
        package init() {}
    }

    let models: [ServedModel]
    let access: AccessPolicy
    let options: Options
    let version: String
    let queue: WorkQueue
    let metrics = ServiceMetrics()
    let pages: WebPages
    let runs: RunIndex
    private let draining = Atomic<Bool>(false)
    private let streams = Atomic<Int>(0)

    /// - Throws: an `InputError` if two models have the same name, or one cannot read pictures.
    package init(
        models: [ServedModel], access: AccessPolicy, options: Options, version: String
    ) throws {
        for (index, model) in models.enumerated() where models[..<index].contains(where: { $0.name == model.name }) {
            throw InputError(
                "--model", expected: "models of different names", received: "\(model.name) twice",
                remedy: "a run is called as its folder, a file as itself without its ending: rename one")
        }
        (self.models, self.access, self.options, self.version) = (models, access, options, version)
        runs = RunIndex(folder: URL(fileURLWithPath: options.runs, isDirectory: true))
        pages = try WebPages()
        queue = WorkQueue(models: models, threads: options.threads, capacity: options.queue) {
            [metrics] works, readers in
            TensorWork.answer(works, readers, models: models, metrics: metrics)
        }
    }

    /// Reports from now on that the service is not ready.
    package func drain() { draining.store(true, ordering: .relaxed) }
    /// Closes the queue. Call it after the last response.
    package func close() { queue.close() }
    package var isReady: Bool { !draining.load(ordering: .relaxed) }

    /// Counts a response that the sockets gave, before there was a request.
    package func refused(_ error: ServiceError) {
        metrics.answered("refused", status: error.status.rawValue, seconds: 0)
    }

    /// Calls `send` once, immediately or later and from any thread, unless the request is cancelled while it waits.
    /// - Parameter isCancelled: whether the client has disconnected.
    package func respond(
        to request: ServiceRequest, isCancelled: @escaping @Sendable () -> Bool = { false },
        _ send: @escaping @Sendable (ServiceResponse) -> Void
    ) {
        let begun = WorkQueue.now
        let route = Route(request)
        let answer: @Sendable (ServiceResponse) -> Void = { [self] response in
            metrics.answered(route.name, status: response.status.rawValue, seconds: WorkQueue.now - begun)
            send(response)
        }
        do throws(ServiceError) {
            try access.check(request)
            try route.checkMethod(request)
            guard request.header("content-encoding").map({ $0.lowercased() == "identity" }) ?? true else {
                throw ServiceError(.unsupported, "Content-Encoding: expected none · received another")
            }
            switch route.kind {
            case .page, .login, .server, .live, .ready, .repository, .model, .modelReady, .models, .metrics, .unknown:
                answer(try immediate(route, request))
            case .read, .infer, .runs, .events, .stop, .file:
                if let small = try small(route, request) { return answer(small) }
                let latest = begun + options.deadline
                if case .infer(let name, let version) = route.kind {
                    let index = try model(name, version: version)
                    let work = TensorWork(model: index, request: request, answer: answer)
                    return try submit(.tensors(work), by: latest, isCancelled, answer)
                }
                let alone: @Sendable ([ModelReader]) -> Void = { [self] readers in
                    do throws(ServiceError) {
                        answer(
                            try work(route, request, readers) { [options] in
                                // Nobody will have the answer, and others wait.
                                if isCancelled() { return ServiceError(.unavailable, "the client has gone") }
                                return WorkQueue.now > latest ? Self.late(options, "took more than") : nil
                            })
                    } catch {
                        answer(error.response)
                    }
                }
                try submit(.alone(alone), by: latest, isCancelled, answer)
            }
        } catch {
            answer(error.status == .unauthorized && route.isPage ? pages.login(error) : error.response)
        }
    }

    /// The maximum bytes of a body, pixels of a picture and multiplications and additions of a network that count as
    /// small work: about a millisecond for each look at the picture.
    private static let smallBody = 16_384, smallPixels = 4_096, smallProducts = 50_000_000

    /// Returns the response to a request that takes less time than handing it to another thread; nil for all others,
    /// and if no reader is idle.
    private func small(_ route: Route, _ request: ServiceRequest) throws(ServiceError) -> ServiceResponse? {
        guard request.body.count <= Self.smallBody else { return nil }
        let isTensor = if case .infer = route.kind { true } else { false }
        return try queue.withSpareReaders(ofTensors: isTensor) { readers throws(ServiceError) in
            var limits = ImageLimits()
            switch route.kind {
            case .read:
                let read = try ReadRequest(request, models: models)
                guard models[read.model].multiplyAdds <= Self.smallProducts else { return nil }
                limits.pixels = min(Self.smallPixels, options.mostPixels)
                guard let picture = read.smallPicture(limits) else { return nil }
                metrics.took(images: 1)
                return read.answer(
                    readers[read.model].reader, model: models[read.model], limits: limits, decoded: picture)
            case .infer(let name, let version):
                let index = try model(name, version: version)
                let infer = try InferRequest(request, model: models[index])
                guard infer.count <= Self.smallProducts / max(1, models[index].multiplyAdds) else { return nil }
                metrics.batched(requests: 1)
                metrics.took(images: infer.count)
                var response: ServiceResponse?
                InferRequest.answer([infer], readers[index]) { response = infer.response($1, model: models[index]) }
                return response
            default: return nil
            }
        }
    }

    /// Answers a queued request, which reads pictures, JSON of any size, or the disk.
    /// - Parameter ends: why the work should end, between two pictures; nil to go on.
    private func work(
        _ route: Route, _ request: ServiceRequest, _ readers: [ModelReader], _ ends: () -> ServiceError?
    ) throws(ServiceError) -> ServiceResponse {
        switch route.kind {
        case .read:
            let read = try ReadRequest(request, models: models)
            metrics.took(images: read.files.count)
            var limits = ImageLimits()
            limits.pixels = options.mostPixels
            return read.answer(
                readers[read.model].reader, model: models[read.model], limits: limits, ends: ends)
        default: return try immediate(route, request)
        }
    }

    private static func late(_ options: Options, _ what: String) -> ServiceError {
        ServiceError(
            .unavailable, "\(what) \(options.deadline) s, which is the deadline", headers: [("Retry-After", "1")])
    }

    private func submit(
        _ work: WorkQueue.Work, by deadline: Double, _ isCancelled: @escaping @Sendable () -> Bool,
        _ answer: @escaping @Sendable (ServiceResponse) -> Void
    ) throws(ServiceError) {
        let job = WorkQueue.Job(
            deadline: deadline, isCancelled: isCancelled, work: work
        ) { [metrics, options] in
            metrics.expired()
            answer(Self.late(options, "waited for a thread for").response)
        }
        guard queue.submit(job) else {
            metrics.refused()
            throw ServiceError(
                .tooMany, "\(options.queue) requests wait already: ask again later", headers: [("Retry-After", "1")])
        }
    }

    /// Returns the index of a served model.
    func model(_ name: String, version: String?) throws(ServiceError) -> Int {
        let index = try models.index(named: name, place: "model")
        guard version == nil || version == "1" else {
            throw ServiceError(.notFound, "\(name): expected version 1 · received \(printable(version ?? ""))")
        }
        return index
    }

    /// The maximum number of open streams.
    private static let mostStreams = 64

    /// Returns a stream of a run's events, unless too many are open.
    func stream(_ name: String) throws(ServiceError) -> ServiceResponse {
        let run = try runs.run(name)
        guard streams.load(ordering: .relaxed) < Self.mostStreams else {
            throw ServiceError(
                .unavailable, "\(Self.mostStreams) streams are open already", headers: [("Retry-After", "5")])
        }
        streams.add(1, ordering: .relaxed)
        return ServiceResponse(
            stream: CountedSource(RunStream(run)) { [self] in streams.subtract(1, ordering: .relaxed) })
    }
}

/// An event source that reports its deinitialisation.
private final class CountedSource: EventSource {
    private let source: RunStream
    private let end: @Sendable () -> Void

    init(_ source: RunStream, _ end: @escaping @Sendable () -> Void) { (self.source, self.end) = (source, end) }
    deinit { end() }
    func next() -> (bytes: [UInt8], isLast: Bool) { source.next() }
}
