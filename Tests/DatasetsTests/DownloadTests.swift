import Formats
import Foundation
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import Datasets

@Suite(.serialized) struct DownloadTests {
    let content = randomBytes(200_000, 9)

    private func file(_ content: [UInt8]) throws -> DatasetFile {
        DatasetFile(name: "digits", publishedSHA256: try Digest.hex(content), publishedBytes: content.count)
    }

    /// Fetches into a folder of its own and returns what is there then.
    private func fetch(
        _ mirrors: [String], _ settings: DownloadSettings = DownloadSettings(), part: [UInt8]? = nil
    ) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        if let part { try folder.write(part, "digits.gz.part") }
        let downloader = Downloader(settings, progress: { _ in })
        try downloader.fetch(file(content), mirrors: mirrors, into: folder.path)
        #expect(!folder.exists("digits.gz.part"))
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: joined(folder.path, "digits.gz"))))
    }

    @Test func wholeFile() throws {
        let content = self.content
        let server = try TestServer { TestServer.Answer.file(content, $0) }
        defer { server.stop() }
        let received = Mutex<[Int]>([])
        let folder = try TemporaryFolder()
        let downloader = Downloader(DownloadSettings()) { event in
            if case .download("digits.gz", let bytes, 200_000) = event { received.withLock { $0.append(bytes) } }
        }
        try downloader.fetch(file(content), mirrors: [server.base], into: folder.path + "/new/folder")
        #expect(folder.exists("new/folder/digits.gz"))
        #expect(received.withLock { $0.last } == 200_000)
        #expect(server.requests == [TestServer.Request(path: "digits.gz", rangeStart: nil)])
        // What is there is not fetched again.
        try downloader.fetch(file(content), mirrors: [server.base], into: folder.path + "/new/folder")
        #expect(server.requests.count == 1)
        #expect(!folder.exists("new/folder/digits.gz.part"))
    }

    @Test func truncatedThenResumed() throws {
        let content = self.content
        let server = try TestServer { request in
            var answer = TestServer.Answer.file(content, request)
            if request.rangeStart == nil { answer.cutAfter = 120_000 }
            return answer
        }
        defer { server.stop() }
        #expect(try fetch([server.base]) == content)
        #expect(server.requests.map(\.rangeStart) == [nil, 120_000])
    }

    @Test func aPartFromEarlierIsResumed() throws {
        let content = self.content
        let server = try TestServer { TestServer.Answer.file(content, $0) }
        defer { server.stop() }
        #expect(try fetch([server.base], part: Array(content.prefix(70_000))) == content)
        #expect(server.requests.map(\.rangeStart) == [70_000])
    }

    @Test func aWrongPartIsThrownAway() throws {
        let content = self.content
        let server = try TestServer { TestServer.Answer.file(content, $0) }
        defer { server.stop() }
        #expect(try fetch([server.base], part: [UInt8](repeating: 1, count: 70_000)) == content)
        // One byte too many: the server has nothing from there on.
        #expect(try fetch([server.base], part: content + [0]) == content)
        #expect(server.requests.map(\.rangeStart) == [70_000, nil, 200_001, nil])
    }

    @Test func aServerThatCannotResume() throws {
        let content = self.content
        let server = try TestServer { _ in TestServer.Answer(body: content) }
        defer { server.stop() }
        #expect(try fetch([server.base], part: Array(content.prefix(70_000))) == content)
        // What it sends replaces a longer part too, at once.
        #expect(try fetch([server.base], part: content + [0]) == content)
        #expect(server.requests.count == 2)
    }

    @Test func badMirrorsArePassedOver() throws {
        let content = self.content
        var damaged = content
        damaged[5] ^= 1
        let wrong = try TestServer { [damaged] in TestServer.Answer.file(damaged, $0) }
        let missing = try TestServer { _ in TestServer.Answer(status: 404, body: Array("no".utf8)) }
        let endless = try TestServer { _ in TestServer.Answer(body: [UInt8](repeating: 0, count: 300_000)) }
        let good = try TestServer { TestServer.Answer.file(content, $0) }
        defer { for server in [wrong, missing, endless, good] { server.stop() } }
        #expect(try fetch([wrong.base, missing.base, endless.base, good.base]) == content)
        for server in [wrong, missing, endless, good] { #expect(server.requests.count == 1) }
        do {
            _ = try fetch([wrong.base, missing.base, endless.base])
            Issue.record("no error")
        } catch let error as OperationError {
            #expect(error.problem.contains("instead of \(try Digest.hex(content))"))
            #expect(error.problem.contains("HTTP status 404"))
            #expect(error.problem.contains("300000 bytes, more than the 200000 expected"))
        }
    }

    @Test func deadMirrorsFailFastAndOnce() throws {
        let refused = try TestServer { _ in TestServer.Answer(body: []) }
        let silent = try TestServer { _ in TestServer.Answer(body: [], isSilent: true) }
        refused.stop()
        defer { silent.stop() }
        var settings = DownloadSettings()
        settings.reachSeconds = 0.5
        let folder = try TemporaryFolder()
        let downloader = Downloader(settings, progress: { _ in })
        for _ in 0..<4 {
            #expect(throws: OperationError.self) {
                try downloader.fetch(file(content), mirrors: [refused.base, silent.base], into: folder.path)
            }
        }
        #expect(silent.requests.count == 1, "a silent mirror is not asked again")
    }

    @Test func brokenMirrorsAreGivenUp() throws {
        let content = self.content
        let cut = try TestServer { request in
            var answer = TestServer.Answer.file(content, request)
            answer.cutAfter = 1_000
            return answer
        }
        let good = try TestServer { TestServer.Answer.file(content, $0) }
        defer { for server in [cut, good] { server.stop() } }
        var settings = DownloadSettings()
        settings.resumptions = 2
        #expect(throws: OperationError.self) { try fetch([cut.base], settings) }
        #expect(cut.requests.count == 3)
        // What came of it is of use at the next mirror.
        #expect(try fetch([cut.base, good.base], settings) == content)
        #expect(good.requests.map(\.rangeStart) == [3_000])
    }

    @Test func autoFallsBackToTheSampleAndSaysSo() throws {
        let cache = try TemporaryFolder()
        let server = try TestServer { _ in TestServer.Answer(status: 503, body: []) }
        defer { server.stop() }
        let files = try SmallFiles.digits(mirrors: [server.base])
        var locations = files.locations(cache: cache)
        locations.allowsDownload = true
        let notes = Mutex<[String]>([])
        let data = try DatasetLoader.load(DataOptions(), seed: 1, locations: locations) { event in
            if case .note(let note) = event { notes.withLock { $0.append(note) } }
        }
        #expect(data.source == .sample)
        #expect(data.notes.count == 1 && data.notes[0].contains("HTTP status 503"))
        #expect(data.notes[0].contains("bundled sample of 5,000 images is used instead"))
        #expect(notes.withLock { $0 } == data.notes)
        var options = DataOptions()
        options.source = .full
        #expect(throws: OperationError.self) { try DatasetLoader.load(options, seed: 1, locations: locations) }
    }

    @Test func aDataSetIsFetchedOnce() throws {
        let cache = try TemporaryFolder()
        let published = try SmallFiles.digits().published()
        let server = try TestServer { TestServer.Answer.file(published[$0.path] ?? [], $0) }
        defer { server.stop() }
        let files = try SmallFiles.digits(mirrors: [server.base])
        var locations = files.locations(cache: cache)
        locations.allowsDownload = true
        var options = DataOptions()
        options.source = .full
        for _ in 0..<2 {
            let data = try DatasetLoader.load(options, seed: 1, locations: locations)
            #expect(data.source == .full)
            #expect(data.train.count + data.validation.count == 20)
            #expect(try data.loadTest().images.count == 10)
        }
        #expect(server.requests.count == 4)
        #expect(try DatasetLoader.fetch(.mnist, locations: locations) == cache.path + "/mnist")
    }
}
