import Foundation
import Tensors

/// NumPy's archives of arrays (`numpy.savez`, `numpy.savez_compressed`): a zip file with one `.npy` member per array.
package enum NPZ {
    /// Encodes an uncompressed archive. Equal tensors give equal bytes.
    /// - Throws: an ``InputError`` if the archive would exceed 4 GiB.
    package static func encode(_ tensors: [TensorRecord]) throws(InputError) -> Data {
        var archive = ZipWriter(place: "npz")
        for tensor in tensors { try archive.add(tensor.name + ".npy", NPY.encode(tensor)) }
        return Data(archive.finished())
    }

    /// Reads all arrays of an archive as float32, in archive order.
    ///
    /// The sizes in the directory are added up before anything is decompressed, no member may decompress to more than
    /// its entry states, and each array's shape is checked against its member before it is allocated.
    /// - Parameter limit: the maximum total size of all members in bytes.
    /// - Throws: an ``InputError`` for a damaged or hostile archive, or one that contains anything but arrays of
    ///   numbers.
    package static func read(path: String, limit: Int) throws(InputError) -> [TensorRecord] {
        let archive = try ZipArchive(BinaryFile(path))
        var names: Set<String> = []
        var total = 0
        for member in archive.members {
            guard member.name.hasSuffix(".npy"), names.insert(member.name).inserted else {
                throw InputError(
                    path, expected: "an archive of arrays (.npy), each once", received: "\"\(member.name)\"")
            }
            // Cannot overflow: each size is below 2^32, and there are fewer than 2^16.
            total += member.size
        }
        guard total <= limit else {
            throw InputError(
                path, expected: "arrays of at most \(limit) bytes in all, as many as the configuration has use for",
                received: "\(total)", remedy: "use a configuration of the same network")
        }
        var tensors: [TensorRecord] = []
        for member in archive.members {
            tensors.append(try NPY.decode(archive.open(member.name), name: String(member.name.dropLast(4))))
        }
        return tensors
    }

    /// Whether the file starts with the signature of a zip archive.
    package static func isArchive(_ path: String) throws(InputError) -> Bool {
        try BinaryFile(path).read(exactly: 4) == [0x50, 0x4B, 3, 4]
    }
}
