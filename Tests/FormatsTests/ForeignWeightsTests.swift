import Foundation
import Tensors
import TestSupport
import Testing

@testable import Formats

/// What is not read is called by its kind.
@Suite struct ForeignWeightsTests {
    private func kind(_ bytes: [UInt8], _ name: String = "file") -> ForeignWeights.Kind? {
        ForeignWeights(head: Array(bytes.prefix(4096)), tail: Array(bytes.suffix(65_536)), path: name)?.kind
    }

    private func archive(_ names: [String]) throws -> [UInt8] {
        var zip = ZipWriter(place: "z")
        for name in names { try zip.add(name, [1, 2, 3]) }
        return zip.finished()
    }

    @Test func archivesByTheirMembers() throws {
        #expect(try kind(archive(["archive/data.pkl", "archive/version"])) == .torchArchive)
        #expect(try kind(archive(["net/version", "net/data.pkl"]), "w.npz") == .torchArchive)
        #expect(try kind(archive(["metadata.json", "config.json", "model.weights.h5"])) == .kerasArchive)
        #expect(try kind(archive(["a.txt"])) == .archive)
        #expect(try kind(archive(["conv.weight.npy"]), "w.pt") == nil, "an NPZ by any name")
    }

    /// First bytes as the formats' own descriptions have them.
    @Test func byTheirFirstBytes() {
        #expect(kind([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0]) == .hdf5)
        #expect(kind([0x93] + Array("NUMPY".utf8) + [1, 0]) == .numpyArray)
        #expect(kind([0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20]) == .torchPickle)
        #expect(kind([0x80, 4, 0x95, 0, 0]) == .pickle)
        // ir_version 8, producer_name "pytorch"; ir_version 10, opset_import.
        #expect(kind([0x08, 0x08, 0x12, 0x07] + Array("pytorch".utf8)) == .onnx)
        #expect(kind([0x08, 0x0A, 0x42, 0x02]) == .onnx)
        #expect(kind([0x1C, 0, 0, 0] + Array("TFL3".utf8)) == .tensorFlowLite)
        #expect(kind(Array("GGUF".utf8) + [3, 0, 0, 0]) == .gguf)
        #expect(kind([0x1F, 0x8B, 8, 0]) == .gzip)
        #expect(kind(Array("version https://git-lfs.github.com/spec/v1\n".utf8)) == .lfsPointer)
        #expect(kind(Array("\n<!DOCTYPE html>\n<html>".utf8)) == .html)
    }

    @Test func byNameWhereBytesSayNothing() {
        let names: [(String, ForeignWeights.Kind?)] = [
            ("a.pt", .torchPickle), ("a.PTH", .torchPickle), ("a.ckpt", .torchPickle), ("a.h5", .hdf5),
            ("a.hdf5", .hdf5),
            ("a.keras", .kerasArchive), ("a.onnx", .onnx), ("a.npy", .numpyArray), ("a.pkl", .pickle),
            ("a.safetensors", nil), ("a.npz", nil), ("a", nil),
        ]
        for (name, expected) in names { #expect(kind([], name) == expected, "\(name)") }
    }

    @Test func safetensorsAreTheirOwnByAnyName() {
        let tensor = TensorRecord(name: "a", shape: [1], values: [1])
        let bytes = [UInt8](SafetensorsFile(metadata: [:], tensors: [tensor]).encoded())
        for name in ["w.safetensors", "w.pt", "w.onnx", "w"] { #expect(kind(bytes, name) == nil) }
        // A header whose length reads like the beginning of an ONNX file.
        #expect(kind([0x08, 0x12, 0x12, 0, 0, 0, 0, 0] + Array("{\"".utf8)) == nil)
    }

    @Test(arguments: ForeignWeights.Kind.allCases)
    func everyKindHasARemedyOfOneLine(_ kind: ForeignWeights.Kind) throws {
        let heads: [ForeignWeights.Kind: [UInt8]] = [
            .torchArchive: try archive(["a/data.pkl"]), .torchPickle: [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46],
            .pickle: [0x80, 4], .kerasArchive: try archive(["model.weights.h5"]), .gzip: [0x1F, 0x8B],
            .hdf5: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .onnx: [8, 8, 0x12], .archive: try archive(["x"]),
            .numpyArray: [0x93] + Array("NUMPY".utf8), .tensorFlowLite: [0, 0, 0, 0] + Array("TFL3".utf8),
            .gguf: Array("GGUF".utf8), .lfsPointer: Array("version https://git-lfs".utf8), .html: Array("<html".utf8),
            .json: Array("{\n  \"metadata\": {}".utf8),
        ]
        let head = try #require(heads[kind])
        let foreign = try #require(ForeignWeights(head: head, tail: head, path: "it's here.pt"))
        #expect(foreign.kind == kind)
        let error = foreign.error()
        #expect(error.received == kind.rawValue && !error.remedy.isEmpty && !error.remedy.contains("\n"))
        #expect(!error.remedy.contains("it's here"), "quoted for Python")
        #expect(error.remedy.count < 900)
    }

    /// An array without numbers may have extents whose product is none.
    @Test func anEmptyArrayInFortranOrder() throws {
        let text = "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 4611686018427387904, 4611686018427387904), }"
        let header = Array(text.utf8) + [0x0A]
        let file = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header
        let record = try? NPY.decode(MemorySource(file, place: "a"), name: "a")
        #expect(record.map { $0.values.isEmpty } ?? true)
    }

    @Test func objectsInAnArray() {
        var file = [0x93] + Array("NUMPY".utf8) + [1, 0]
        let header = Array("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n".utf8)
        file += [UInt8(header.count), 0] + header + [0x80, 4]
        #expect(inputError { _ = try NPY.decode(MemorySource(file, place: "a"), name: "a") }.contains("Python objects"))
    }
}
