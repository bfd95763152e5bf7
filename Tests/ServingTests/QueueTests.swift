import Foundation
import Synchronization
import Testing

@testable import Serving

@Suite struct QueueTests {
    @Test("What is too much is told to come again, and what waits is answered") func full() throws {
        let ask = try Asking {
            $0.threads = 1
            $0.queue = 2
        }
        let request = try ask.request("POST", "/read?explain", [], try example("three.png"))
        let answers = (0..<12).map { _ in Answer() }
        for answer in answers { ask.service.respond(to: request) { answer.put($0) } }
        let responses = answers.map { $0.take() }
        let refused = responses.filter { $0.status == .tooMany }
        #expect(refused.count >= 9 && responses.count - refused.count >= 2)
        #expect(refused.allSatisfy { $0.headers.contains { $0.name == "Retry-After" } })
        #expect(responses.allSatisfy { $0.status == .ok || $0.status == .tooMany })
        #expect(try ask("GET", "/metrics").text.contains("numeral_refused_total \(refused.count)"))
    }

    @Test("What takes a moment is answered on the caller's thread, what takes more by another") func small() throws {
        let ask = try Asking()
        func request(images: Int) throws -> ServiceRequest {
            let numbers = [String](repeating: "0", count: images * 784).joined(separator: ",")
            let shape = "[\(images), 28, 28, 1]"
            let input = #"{"name": "image", "shape": \#(shape), "datatype": "UINT8", "data": [\#(numbers)]}"#
            return try ask.request("POST", "/v2/models/box/infer", [], Array(#"{"inputs": [\#(input)]}"#.utf8))
        }
        func isAnsweredHere(images: Int) throws -> Bool {
            let caller = UInt(bitPattern: pthread_self().hashValue), answer = Answer(), isHere = Atomic<Bool>(false)
            ask.service.respond(to: try request(images: images)) { response in
                isHere.store(UInt(bitPattern: pthread_self().hashValue) == caller, ordering: .relaxed)
                answer.put(response)
            }
            #expect(answer.take().status == .ok)
            return isHere.load(ordering: .relaxed)
        }
        // The readers for small requests are made after the start.
        let deadline = Date().addingTimeInterval(20)
        while try !isAnsweredHere(images: 1), Date() < deadline {}
        #expect(try isAnsweredHere(images: 1))
        #expect(try !isAnsweredHere(images: 8))
    }

    @Test("Who waits past the deadline is told so, and who has gone is not read for") func deadline() throws {
        let ask = try Asking {
            $0.threads = 1
            $0.deadline = 0.001
        }
        let request = try ask.request("POST", "/read?explain", [], try example("three.png"))
        let first = Answer(), late = Answer()
        ask.service.respond(to: request) { first.put($0) }
        let gone = Atomic<Bool>(false)
        ask.service.respond(to: request, isCancelled: { true }) { _ in gone.store(true, ordering: .relaxed) }
        ask.service.respond(to: request) { late.put($0) }
        #expect(first.take().status == .ok || first.take().status == .unavailable)
        let answer = late.take()
        #expect(answer.status == .unavailable && answer.error?.contains("deadline") == true)
        let readForNobody = gone.load(ordering: .relaxed)
        #expect(!readForNobody)
    }

    @Test("Who waits is told at the deadline, though every thread works on") func deadlineOfWaiting() throws {
        let ask = try Asking {
            $0.threads = 1
            $0.deadline = 0.3
        }
        let busy = Mutex(true)
        let isBusy = DispatchSemaphore(value: 0), isLate = Answer()
        let job = WorkQueue.Job(
            deadline: .infinity, isCancelled: { false },
            work: .alone { _ in
                isBusy.signal()
                for _ in 0..<4_000 where busy.withLock({ $0 }) { usleep(5_000) }
                busy.withLock { $0 = false }
            }
        ) {}
        #expect(ask.service.queue.submit(job))
        isBusy.wait()
        let request = try ask.request("POST", "/read?explain", [], try example("three.png"))
        ask.service.respond(to: request) { isLate.put($0) }
        #expect(isLate.take().status == .unavailable && ask.service.queue.waiting == 0)
        #expect(busy.withLock { $0 })
        busy.withLock { $0 = false }
    }

    @Test("Many at once are each answered as if alone") func concurrent() throws {
        let ask = try Asking { $0.queue = 1_000 }
        let names = ["three.png", "seven.jpg"]
        let expected = try names.map { try ask("POST", "/read", [], try example($0)).text }
        let requests = try names.map { try ask.request("POST", "/read", [], try example($0)) }
        let answers = (0..<60).map { _ in Answer() }
        for (index, answer) in answers.enumerated() { ask.service.respond(to: requests[index % 2]) { answer.put($0) } }
        for (index, answer) in answers.enumerated() { #expect(answer.take().text == expected[index % 2]) }
    }

    /// Keeps a thread busy with work that is no tensors, and returns when it is.
    private func occupy(_ ask: Asking, until go: DispatchSemaphore) {
        let isBusy = DispatchSemaphore(value: 0)
        let job = WorkQueue.Job(
            deadline: .infinity, isCancelled: { false },
            work: .alone { _ in
                isBusy.signal()
                go.wait()
            }
        ) {}
        #expect(ask.service.queue.submit(job))
        isBusy.wait()
    }

    /// One thread is kept busy while requests gather behind it.
    private func gathered(
        _ ask: Asking, _ requests: [ServiceRequest], isCancelled: @escaping @Sendable (Int) -> Bool = { _ in false }
    ) -> [Answer] {
        let isBusy = DispatchSemaphore(value: 0), go = DispatchSemaphore(value: 0), queue = ask.service.queue
        occupy(ask, until: go)
        // Tensors that are computed on a caller's thread.
        DispatchQueue.global().async {
            _ = queue.withSpareReaders(ofTensors: true) { _ in
                isBusy.signal()
                go.wait()
                return nil
            }
        }
        isBusy.wait()
        let answers = requests.map { _ in Answer() }
        for (index, request) in requests.enumerated() {
            ask.service.respond(to: request, isCancelled: { isCancelled(index) }) { answers[index].put($0) }
        }
        for _ in 0..<2 { go.signal() }
        return answers
    }

    private func infer(_ ask: Asking, _ images: [Int], model: String = "box") throws -> ServiceRequest {
        let numbers = images.flatMap { image in (0..<784).map { "\(($0 * (7 + image) + image * 31) % 256)" } }
        let input =
            #"{"name": "image", "shape": [\#(images.count), 28, 28, 1], "datatype": "UINT8", "data": "#
            + "[\(numbers.joined(separator: ","))]}"
        return try ask.request("POST", "/v2/models/\(model)/infer", [], Array(#"{"inputs": [\#(input)]}"#.utf8))
    }

    @Test("Tensors that wait are computed together, each answered as if alone") func together() throws {
        let ask = try Asking { $0.threads = 1 }
        let images = [[0], [1], [2, 3, 4], [5], [6], [7, 8], [9], [10], [11], [12], [13]]
        var requests = try images.map { try infer(ask, $0) }
        let expected = try images.map { images in
            let answer = Answer()
            ask.service.respond(to: try infer(ask, images)) { answer.put($0) }
            return answer.take().text
        }
        let before = try ask("GET", "/metrics").text
        // One that cannot be parsed is told so, one whose client has gone is left out.
        requests.insert(try ask.request("POST", "/v2/models/box/infer", [], Array("{}".utf8)), at: 2)
        requests.append(try infer(ask, [3]))
        let answers = gathered(ask, requests) { $0 == 12 }
        var found = answers.prefix(12).map { $0.take() }
        #expect(found.remove(at: 2).status == .badRequest)
        #expect(found.map(\.text) == expected)
        let after = try ask("GET", "/metrics").text
        func value(_ text: String, _ name: String) -> Double {
            text.split(separator: "\n").first { $0.hasPrefix(name + " ") }.flatMap {
                Double($0.split(separator: " ")[1])
            }
                ?? -1
        }
        // 12 of 13 were taken by eights: seven in the first (one of them refused), four in the second.
        #expect(value(after, "numeral_batch_requests_sum") - value(before, "numeral_batch_requests_sum") == 11)
        #expect(value(after, "numeral_batch_requests_count") - value(before, "numeral_batch_requests_count") == 2)
    }

    @Test("Tensors do not wait for other work") func besideOther() throws {
        let ask = try Asking { $0.threads = 1 }
        let go = DispatchSemaphore(value: 0)
        occupy(ask, until: go)
        let answer = Answer()
        ask.service.respond(to: try infer(ask, [0])) { answer.put($0) }
        #expect(answer.take().status == .ok)
        go.signal()
    }

    @Test("What waits is shared among the threads, in order, and other work ends a batch") func share() throws {
        let ask = try Asking(models: [nil, "box-lines"]) { $0.threads = 1 }
        let read = try ask.request("POST", "/read?raw", [], try example("three.png"))
        let requests = try [infer(ask, [0]), infer(ask, [1]), read, infer(ask, [2]), infer(ask, [3]), infer(ask, [4])]
        let before = try ask("GET", "/metrics").text
        let answers = gathered(ask, requests).map { $0.take() }
        #expect(answers.indices.allSatisfy { (answers[$0].status == .ok) == ($0 != 2) }, "a picture of another size")
        let after = try ask("GET", "/metrics").text
        #expect(!before.contains("numeral_batch_requests_count 2") && after.contains("numeral_batch_requests_count 2"))
        #expect(after.contains("numeral_batch_requests_sum 5.0"))
    }

    @Test("Two models of one name are refused at the start") func names() {
        #expect(throws: (any Error).self) { try Asking(models: [nil, "box"]) }
    }

    @Test("A network of lines reads lines alone") func lines() throws {
        let ask = try Asking(models: ["box-lines"])
        #expect(try ask("POST", "/read", [], try example("three.png")).status == .badRequest)
        #expect(try ask("POST", "/read?segment", [], try example("three.png")).status == .ok)
        #expect(try ask("POST", "/v2/models/box-lines/infer", [], []).error?.contains("/read?segment") == true)
    }
}
