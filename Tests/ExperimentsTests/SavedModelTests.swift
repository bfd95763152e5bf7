import Formats
import Foundation
import Kernels
import NeuralNetwork
import Testing

@testable import Experiments
@testable import Tensors
@testable import Training

/// Model files: what is read back, and what is refused before it costs anything.
@Suite struct SavedModelTests {
    /// Flatten, batch-norm and dense of two pixels.
    private static func model(
        parameters: [Float] = [1, 1, 0, 0, 0.5, -1, 2, 0.25, 0, 0], state: [Float] = [0.5, -0.5, 1, 2]
    ) throws -> SavedModel {
        let text = """
            {"name": "n", "model": {"inputShape": [2, 1, 1], "layers": [{"type": "flatten"},
            {"type": "batchNormalization"}, {"type": "dense", "units": 2}]}}
            """
        let experiment = try Experiment.decode(text, name: "")
        return SavedModel(
            experiment: experiment, graph: try ResolvedGraph(experiment.model), classNames: ["a", "b"],
            normalization: (0.1, 0.3), temperature: 0.75, parameters: AlignedBuffer(parameters),
            state: AlignedBuffer(state))
    }

    private func refusal(_ data: Data) -> String { message { _ = try SavedModel.decode(data, name: "m") } }

    @Test func roundTrip() throws {
        let model = try Self.model()
        let read = try SavedModel.decode(model.encoded(), name: "m")
        #expect(read.encoded() == model.encoded())
        #expect(read.parameters.array == model.parameters.array && read.state.array == model.state.array)
        #expect(read.classNames == ["a", "b"] && read.normalization?.mean == 0.1)
        #expect(read.temperature == 0.75)
    }

    @Test func everyTruncationIsRefusedAndEveryFlipRefusedOrSound() throws {
        let data = try Self.model().encoded()
        for length in 0..<data.count { #expect(refusal(data.prefix(length)).hasPrefix("m"), "\(length) bytes") }
        var sound = 0
        for index in data.indices {
            for flip: UInt8 in [1, 0x80, 0xFF] {
                var damaged = data
                damaged[index] ^= flip
                do {
                    let read = try SavedModel.decode(damaged, name: "m")
                    #expect(read.parameters.count == 10 && read.parameters.array.allSatisfy { $0.isFinite })
                    sound += 1
                } catch {
                    #expect(!"\(error)".contains { $0.isNewline } && "\(error)".hasPrefix("m"))
                }
            }
        }
        #expect(sound > 0)
    }

    /// The dense layer of bytes.
    private static func quantized() throws -> SavedModel {
        let plain = try model(parameters: [1, 1, 0, 0, 127, -3, 2, 127, 0.5, 0.25])
        let graph = plain.graph.quantizing([
            2: LayerQuantization(input: ByteScale(scale: 0.1, zeroPoint: 7), weightScales: [1, 0.5])
        ])
        return SavedModel(
            experiment: plain.experiment, graph: graph, classNames: plain.classNames, normalization: nil,
            parameters: graph.rounded(plain.parameters), state: plain.state)
    }

    @Test func aQuantizedModelComesBackAndIsBytesInTheFile() throws {
        let model = try Self.quantized()
        let data = model.encoded(), read = try SavedModel.decode(data, name: "m")
        #expect(read.encoded() == data)
        #expect(read.graph.quantization == model.graph.quantization && read.graph.quantization.count == 1)
        // Rounded to halves and ones, and cut.
        #expect(read.parameters.array == [1, 1, 0, 0, 127, -3, 2, 63.5, 0.5, 0.25])
        let file = try SafetensorsFile.decode(data, name: "f", formats: nil)
        let kernel = try #require(file.tensors.first { $0.name == "dense_1/kernel" })
        #expect(kernel.format == .int8 && kernel.values == [127, -6, 2, 127])
        #expect(throws: InputError.self) { try SafetensorsFile.decode(data, name: "f") }
    }

    @Test func quantizedLayersThatCannotBeAreRefused() throws {
        let file = try SafetensorsFile.decode(Self.quantized().encoded(), name: "f", formats: nil)
        func refusal(_ change: (inout [TensorRecord]) -> Void) -> String {
            var copy = file
            change(&copy.tensors)
            return self.refusal(copy.encoded())
        }
        func set(_ name: String, _ values: [Float]) -> String {
            refusal { tensors in
                for place in tensors.indices where tensors[place].name == name { tensors[place].values = values }
            }
        }
        #expect(refusal { _ in } == "no error")
        #expect(set("dense_1/kernel", [1, -128, 3, 4]).contains("-128"))
        for values: [Float] in [[0, 1], [1, -1], [.nan, 1], [1e-30, 1], [1, .infinity]] {
            #expect(set("dense_1/kernel_scale", values).hasPrefix("m: dense_1/kernel_scale"), "\(values)")
        }
        for values: [Float] in [[0], [-1], [1e20], [.nan]] {
            #expect(set("dense_1/input_scale", values).hasPrefix("m: dense_1/input_scale"))
        }
        for values: [Float] in [[-1], [256], [0.5], [.nan], [.infinity]] {
            #expect(set("dense_1/input_zero_point", values).hasPrefix("m: dense_1/input_zero_point"))
        }
        for name in ["kernel_scale", "input_scale", "input_zero_point"] {
            #expect(refusal { $0.removeAll { $0.name == "dense_1/\(name)" } }.hasPrefix("m: dense_1/\(name)"))
        }
        #expect(
            refusal { tensors in
                let place = tensors.firstIndex { $0.name == "dense_1/bias" } ?? 0
                tensors[place] = TensorRecord(name: "dense_1/bias", shape: [2], values: [1, 2], format: .int8)
            }.contains("received int8"))
        #expect(
            refusal { tensors in
                let place = tensors.firstIndex { $0.name == "dense_1/kernel" } ?? 0
                tensors[place].format = .float32
            }.contains("dense_1/"))
    }

    @Test func everyTruncationAndFlipOfAQuantizedModelIsRefusedOrSound() throws {
        let data = try Self.quantized().encoded()
        for length in 0..<data.count { #expect(refusal(data.prefix(length)).hasPrefix("m"), "\(length) bytes") }
        for index in data.indices {
            for flip: UInt8 in [1, 0x80, 0xFF] {
                var damaged = data
                damaged[index] ^= flip
                guard let read = try? SavedModel.decode(damaged, name: "m") else { continue }
                #expect(read.parameters.array.allSatisfy { $0.isFinite })
            }
        }
    }

    @Test func numbersThatPredictNothingAreRefused() throws {
        var parameters = try Self.model().parameters.array
        for value in [Float.nan, .infinity, -.infinity] {
            parameters[5] = value
            let text = refusal(try Self.model(parameters: parameters).encoded())
            #expect(text.hasPrefix("m: dense_1/kernel: expected finite values · received \(value)"), "\(text)")
        }
        let text = refusal(try Self.model(state: [0, 0, 1, -1]).encoded())
        #expect(text.contains("moving_variance: expected finite variances, none negative · received -1.0"), "\(text)")
        #expect(try SavedModel.decode(Self.model(state: [-9, 0, 0, 1]).encoded(), name: "m").state[0] == -9)
    }

    /// A configuration of 2³¹ − 4,096 weights and no tensor: 8 GiB must not be asked for.
    @Test func aNetworkLargerThanItsFileIsRefusedBeforeItsMemoryIsTaken() throws {
        let text = """
            {"name": "n", "model": {"inputShape": [1, 1, 2], "layers": [{"type": "flatten"},
            {"type": "dense", "units": 1048575}, {"type": "dense", "units": 2044}]}}
            """
        let metadata = ["format": "numeral-1", "numeral.config": text, "numeral.classes": Self.names(2_044)]
        let before = Self.peakMemory()
        let received = refusal(SafetensorsFile(metadata: metadata).encoded())
        #expect(received.contains("expected a tensor \"dense_1/kernel\" · received none"), "\(received.prefix(300))")
        #expect(Self.peakMemory() - before < 512 << 20)
    }

    private static func names(_ count: Int) -> String {
        JSONValue.array((0..<count).map { .string("\($0)") }).text
    }

    /// Most memory that this process ever held, bytes.
    private static func peakMemory() -> Int {
        var usage = rusage()
        #if canImport(Darwin)
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #else
            getrusage(.init(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss << 10
        #endif
    }

    @Test func whatIsNoFileIsRefused() throws {
        #expect(message { _ = try SavedModel.load(path: "/dev/zero") }.contains("a folder or a special file"))
        #expect(message { _ = try SavedModel.load(path: "/nowhere/at/all") }.contains("nothing there"))
        let folder = FileManager.default.temporaryDirectory.appending(path: "model-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(message { _ = try SavedModel.load(path: folder.path) }.contains("a folder without model.safetensors"))
        try Self.model().encoded().write(to: folder.appending(path: "model.safetensors"))
        #expect(try SavedModel.load(path: folder.path).classNames == ["a", "b"])
    }
}
