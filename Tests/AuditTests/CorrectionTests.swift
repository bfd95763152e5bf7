import Datasets
import TestSupport
import Tensors
import Testing

@testable import Audit

/// What a table of corrections does, and to which images.
struct CorrectionTests {
    private func images(_ pixels: [[UInt8]]) throws -> ImageSet {
        try ImageSet(
            images: pixels.flatMap { $0 }, labels: pixels.map { _ in 0 }, height: 1, width: 3, classCount: 2,
            classNames: ["a", "b"])
    }

    private func applied(_ table: String, to images: ImageSet) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        return try withExtendedLifetime(folder) {
            let path = try folder.write(Array(table.utf8), "labels.csv")
            return try Corrections(path, classNames: images.classNames).applied(to: images, part: "train").images.images
        }
    }

    /// FIPS 180-2's digest of "abc" finds the image of these bytes, and no other of its number and label.
    @Test func imagesAreKnownByTheirBytes() throws {
        let abc = Array("abc".utf8), head = "part,index,label,suggestion,action,digest\n"
        let table = head + "train,1,a,b,remove,sha256:ba7816bf8f01cfea\n"
        let before = try images([[1, 2, 3], abc, [4, 5, 6]])
        #expect(try applied(table, to: before) == [1, 2, 3, 4, 5, 6])
        let grown = try images([[9, 9, 9], [1, 2, 3], abc, [4, 5, 6]])
        let error = #expect(throws: InputError.self) { try applied(table, to: grown) }
        #expect(error?.place.hasSuffix("labels.csv:2") == true)
        #expect(error?.expected == "an image of train with the digest sha256:ba7816bf8f01cfea")
        #expect(error?.received == "image 1, whose digest is sha256:039058c6f2c0cb49")
        // Rows of one's own, and tables of earlier versions, have none.
        #expect(try applied(head + "train,1,a,b,remove,\n", to: before) == [1, 2, 3, 4, 5, 6])
        let older = "part,index,label,suggestion,action\ntrain,1,a,b,remove\n"
        #expect(try applied(older, to: before) == [1, 2, 3, 4, 5, 6])
    }
}
