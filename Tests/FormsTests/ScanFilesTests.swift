import Foundation
import TestSupport
import Testing

@testable import Forms

@Suite struct ScanFilesTests {
    private static let picture = Array("P2 2 1 255 0 255".utf8)

    private static func scans(_ paths: [String]) throws -> (scans: ScanFiles, notes: [String]) {
        var notes: [String] = []
        let scans = try ScanFiles(paths) { notes.append($0) }
        return (scans, notes)
    }

    @Test func whatIsNoPictureIsRefused() throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let picture = try folder.write(Self.picture, "1.pgm"), damaged = try folder.write([1], "2.png")
        let document = try folder.write(Array("%PDF-1.4".utf8), "3.pdf"), bare = try folder.write(Self.picture, "4")
        func refusal(_ path: String) -> String { inputError { _ = try Self.scans([picture, path]) } }
        let nowhere = refusal(folder.path + "/nowhere.png")
        #expect(nowhere.contains("nowhere.png: expected a picture, or a folder of pictures · received nothing there"))
        #expect(refusal("-").contains("received nothing there"))
        #expect(refusal(document).contains("3.pdf: expected a picture") && refusal(document).contains("a PDF document"))
        #expect(refusal("/dev/null").contains("expected a regular file"))
        // A damaged scan is told with the others, and a picture needs no ending.
        #expect(try Self.scans([picture, damaged, bare]).scans.files == [picture, damaged, bare])
    }

    @Test func aFileNamedTwiceIsReadOnce() throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let first = try folder.write(Self.picture, "in/1.pgm"), second = try folder.write(Self.picture, "in/2.pgm")
        let link = folder.path + "/link.pgm"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: second)
        let own = folder.path + "/in"
        for (paths, count) in [([own, own], 2), ([own, second], 1), ([own, own + "/../in/"], 2), ([own, link], 1)] {
            let found = try Self.scans(paths)
            #expect(found.scans.files == [first, second], "\(paths)")
            let note = found.notes.last ?? ""
            #expect(found.notes.count == 1 && note.hasPrefix("read once, though named more than once: "))
            #expect(note.hasSuffix(count == 2 ? "1.pgm and 1 more" : ".pgm"))
        }
        // Two files of the same bytes are two scans.
        #expect(try Self.scans([own]).notes.isEmpty)
    }

    /// Whatever a folder holds beside pictures is told, each with its reason; hidden files are the system's.
    @Test func whatIsPassedOverIsListed() throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        try folder.write(Self.picture, "in/1.pgm")
        for name in ["in/a.tif", "in/b.pdf", "in/.DS_Store", "in/d.txt", "in/e.txt", "in/f.txt", "in/g.txt"] {
            try folder.write(Array((name.hasSuffix("tif") ? "II*\0" : "%PDF").utf8), name)
        }
        try folder.write(Self.picture, "in/bare")
        let own = folder.path + "/in", within = try folder.write(Self.picture, "in/sub/2.pgm")
        let (scans, _) = try Self.scans([own, own])
        let names = ["a.tif", "b.pdf", "bare", "d.txt", "e.txt", "f.txt", "g.txt", "sub"]
        #expect(scans.passedOver.map(\.file) == names.map { own + "/" + $0 })
        let problems = scans.passedOver.map(\.problem)
        #expect(problems[0].contains("received a TIFF picture") && problems[1].contains("received a PDF document"))
        #expect(problems[2].contains("does not end in") && problems[7].contains("a folder within a folder"))
        // What is named itself is read.
        let both = try Self.scans([own, own + "/sub", own + "/bare"]).scans
        #expect(both.files == [own + "/1.pgm", within, own + "/bare"])
        #expect(both.passedOver.map(\.file) == names.filter { !["bare", "sub"].contains($0) }.map { own + "/" + $0 })
    }

    /// A bound that took copies for scans of their own would be too low.
    @Test func copiesAreRefused() throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let one = try folder.write(Self.picture, "1.pgm"), two = try folder.write(Self.picture + [10], "2.pgm")
        let three = try folder.write(Self.picture, "3.pgm"), four = try folder.write(Self.picture + [10], "4.pgm")
        try ScanFiles.requireDistinct([one, two, folder.path + "/nowhere", folder.path + "/nowhere"])
        let message = inputError { try ScanFiles.requireDistinct([one, two, three]) }
        #expect(message.contains("3.pgm: expected") && message.contains("received a copy of \(one) ·"))
        #expect(inputError { try ScanFiles.requireDistinct([one, two, three, four]) }.contains("and 1 more ·"))
    }
}
