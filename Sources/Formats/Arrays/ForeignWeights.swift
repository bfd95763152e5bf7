import Tensors

/// A weights file in a format that is not supported, recognized by its bytes or, if these are inconclusive, by its
/// name, with the lines of Python that convert it to NPZ.
package struct ForeignWeights: Sendable, Equatable {
    /// The format, with its name in messages.
    package enum Kind: String, Sendable, CaseIterable {
        case torchArchive = "a PyTorch file (a zip archive with a pickle)"
        case torchPickle = "an old PyTorch file (pickles)"
        case pickle = "a Python pickle"
        case kerasArchive = "a Keras model (.keras)"
        case hdf5 = "an HDF5 file, as Keras writes .h5"
        case onnx = "an ONNX model"
        case numpyArray = "a single NumPy array (.npy)"
        case tensorFlowLite = "a TensorFlow Lite model"
        case gguf = "a GGUF file"
        case archive = "a zip archive without arrays"
        case gzip = "a gzip file"
        case lfsPointer = "a pointer of Git LFS, not the file itself"
        case html = "a web page"
        case json = "JSON text, as the index of a model in several files"
    }

    package let kind: Kind
    private let path: String

    /// Returns the error that rejects the file and explains how to convert it.
    /// - Parameters:
    ///   - expected: What would have been accepted.
    ///   - then: What to do with the NPZ file afterwards.
    package func error(
        expected: String = "weights as safetensors or NPZ", then: String = ""
    ) -> InputError {
        InputError(path, expected: expected, received: kind.rawValue, remedy: remedy + then)
    }

    /// - Returns: nil for a file that may be safetensors or NPZ, or is of an unknown format.
    /// - Throws: an ``InputError`` if the file cannot be read.
    package init?(path: String) throws(InputError) {
        let file = try BinaryFile(path)
        let head = try file.read(exactly: 4096)
        try file.seek(to: max(file.size - 65_536, 0))
        self.init(head: head, tail: try file.read(exactly: 65_536), path: path)
    }

    /// - Parameters:
    ///   - head: The first bytes of the file, a few thousand.
    ///   - tail: Its last bytes, where a zip archive has its directory.
    package init?(head: [UInt8], tail: [UInt8], path: String) {
        guard let kind = Self.byBytes(head, tail) ?? Self.byName(path, head) else { return nil }
        (self.kind, self.path) = (kind, path)
    }

    private static func byBytes(_ head: [UInt8], _ tail: [UInt8]) -> Kind? {
        func begins(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
        func begins(_ text: String) -> Bool { begins(Array(text.utf8)) }
        if begins("PK\u{3}\u{4}") { return archive(head, tail) }
        if begins([0x89] + Array("HDF\r\n\u{1A}\n".utf8)) { return .hdf5 }
        if begins([0x93] + Array("NUMPY".utf8)) { return .numpyArray }
        if begins("GGUF") { return .gguf }
        if begins([0x1F, 0x8B]) { return .gzip }
        if head.dropFirst(4).starts(with: Array("TFL3".utf8)) { return .tensorFlowLite }
        if begins("version https://git-lfs") { return .lfsPointer }
        let text = String(decoding: head.prefix(64), as: UTF8.self).lowercased().drop { $0.isWhitespace }
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") { return .html }
        // The length of a safetensors header has zeros at its end.
        if text.hasPrefix("{"), head.count > 8, head[7] != 0 { return .json }
        // A safetensors file begins with the length of its header, and the header with a brace.
        if head.count > 8, head[8] == UInt8(ascii: "{") { return nil }
        // The first pickle of such a file is only PyTorch's magic number.
        if begins([0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46]) { return .torchPickle }
        if head.count > 1, head[0] == 0x80, (2...5).contains(head[1]) { return .pickle }
        // The field ir_version, a small number, followed by a field of the producer, domain, graph or operator sets.
        if head.count > 2, head[0] == 0x08, (1...31).contains(head[1]),
            [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(head[2])
        {
            return .onnx
        }
        return nil
    }

    /// Returns the kind of a zip archive, recognized by its members; nil for NPZ, which is supported.
    private static func archive(_ head: [UInt8], _ tail: [UInt8]) -> Kind? {
        func holds(_ name: String) -> Bool { contains(head, name) || contains(tail, name) }
        if holds("data.pkl") { return .torchArchive }
        if holds("model.weights.h5") { return .kerasArchive }
        return holds(".npy") ? nil : .archive
    }

    private static func contains(_ bytes: [UInt8], _ text: String) -> Bool {
        !bytes.ranges(of: Array(text.utf8)).isEmpty
    }

    /// Returns the kind by the file name if the bytes are inconclusive: an empty or damaged file, or a pickle of the
    /// oldest protocols.
    private static func byName(_ path: String, _ head: [UInt8]) -> Kind? {
        if head.starts(with: Array("PK\u{3}\u{4}".utf8)) { return nil }
        if head.count > 8, head[8] == UInt8(ascii: "{") { return nil }
        let name = path.lowercased()
        guard let dot = name.lastIndex(of: ".") else { return nil }
        switch name[dot...] {
        case ".pt", ".pth", ".ckpt": return .torchPickle
        case ".pkl", ".pickle": return .pickle
        case ".keras": return .kerasArchive
        case ".h5", ".hdf5": return .hdf5
        case ".onnx": return .onnx
        case ".npy": return .numpyArray
        case ".tflite": return .tensorFlowLite
        case ".gguf": return .gguf
        default: return nil
        }
    }

    /// The suggested conversion, on one line.
    package var remedy: String {
        let file = Self.quoted(path), result = "'weights.npz'"
        switch kind {
        case .torchArchive, .torchPickle:
            return "in Python: import numpy, torch; w = torch.load(\(file), map_location='cpu'); "
                + "w = w.state_dict() if hasattr(w, 'state_dict') else w.get('state_dict', w); "
                + "numpy.savez(\(result), **{k: v.detach().float().numpy() for k, v in w.items()})"
        case .kerasArchive, .hdf5:
            return "in Python: import keras, numpy; m = keras.models.load_model(\(file)); "
                + "numpy.savez(\(result), **{v.path: v.numpy() for v in m.weights})"
                + (kind == .hdf5 ? "; where it holds weights alone, build m and m.load_weights(\(file))" : "")
        case .onnx:
            return "in Python: import numpy, onnx; from onnx import numpy_helper; "
                + "numpy.savez(\(result), **{t.name: numpy_helper.to_array(t) for t in onnx.load(\(file)).graph.initializer}"
                + "); or export from the library that trained it"
        case .pickle:
            return "in Python, if you trust the file: import numpy, pickle; w = pickle.load(open(\(file), 'rb')); "
                + "numpy.savez(\(result), **w) for a dictionary of arrays, numpy.savez(\(result), *w) for a list"
        case .numpyArray:
            return
                "save every array by its name: in Python: numpy.savez(\(result), **{'dense.weight': w, 'dense.bias': b})"
                + "; arrays of objects: numpy.savez(\(result), *numpy.load(\(file), allow_pickle=True))"
        case .tensorFlowLite: return "export from the library that trained it: numpy.savez of its weights"
        case .gguf:
            return "in Python: gguf.GGUFReader(\(file)) gives its tensors, numpy.savez(\(result), **tensors) saves them"
        case .gzip: return "unpack it first: gunzip"
        case .archive: return "unpack it: the weights may be inside"
        case .lfsPointer: return "fetch the file: git lfs pull"
        case .json:
            return "give the file of weights that it belongs to; several parts, in Python: import glob, numpy; from "
                + "safetensors.numpy import load_file; numpy.savez(\(result), **{k: v for f in "
                + "glob.glob('*.safetensors') for k, v in load_file(f).items()})"
        case .html: return "the download gave a page instead of the file"
        }
    }

    private static func quoted(_ path: String) -> String {
        "'" + path.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }
}
