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
        let job = WorkQueue.Job(deadline: .infinity, isCancelled: { false }) { _ in
            isBusy.signal()
            for _ in 0..<4_000 where busy.withLock({ $0 }) { usleep(5_000) }
            busy.withLock { $0 = false }
        } expire: {
        }
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
