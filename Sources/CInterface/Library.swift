import Experiments
import Foundation
import Numeral
import Tensors

// The implementation of `numeral.h`. Each function is `@_cdecl`, with a C name and C types.

/// The result codes and the ABI version, as in the header.
enum Code {
    static let ok: Int32 = 0, failed: Int32 = 1, badInput: Int32 = 2
    static let abiVersion: Int32 = 1
}

/// A loaded model and the memory that C callers get pointers to.
final class Handle {
    let model: Model
    /// The class names, null-terminated, valid for the lifetime of the handle.
    let names: [UnsafeMutablePointer<CChar>]

    init(_ model: Model) {
        self.model = model
        names = model.classNames.map { name in
            let bytes = Array(name.utf8CString)
            let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            pointer.initialize(from: bytes, count: bytes.count)
            return pointer
        }
    }

    deinit { names.forEach { $0.deallocate() } }

    /// - Precondition: `pointer` was returned by `numeral_load`.
    static func model(_ pointer: OpaquePointer?) -> Model? { pointer.map { handle($0).model } }

    static func handle(_ pointer: OpaquePointer) -> Handle {
        Unmanaged<Handle>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }
}

/// Calls `body` and returns a result code; if it throws, writes the error message to `error`.
func guarded(_ error: UnsafeMutablePointer<CChar>?, _ size: Int64, _ body: () throws -> Void) -> Int32 {
    func report(_ message: String) {
        guard let error, size > 0 else { return }
        // Truncates to whole characters, then appends the null terminator.
        var bytes: [UInt8] = []
        for character in message {
            let next = Array(String(character).utf8)
            guard bytes.count + next.count < size else { break }
            bytes += next
        }
        for (index, byte) in (bytes + [0]).enumerated() { error[index] = CChar(bitPattern: byte) }
    }
    report("")
    do {
        try body()
        return Code.ok
    } catch let problem as InputError {
        report(problem.description)
        return Code.badInput
    } catch {
        report("\(error)")
        return Code.failed
    }
}

/// Registers the library's folder, which may contain the package's resources.
private let resources: Void = {
    if let path = ownPath { BoxModel.look(in: URL(fileURLWithPath: path).deletingLastPathComponent()) }
}()

/// The path of the file that this code was loaded from.
private var ownPath: String? {
    let address = UInt(bitPattern: #dsohandle)
    #if canImport(Darwin)
        var information = Dl_info()
        guard dladdr(#dsohandle, &information) != 0, let name = information.dli_fname else { return nil }
        return String(cString: name)
    #else
        // One line per memory range: `start-end permissions offset device inode path`.
        guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return nil }
        for line in maps.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 5), range = parts[0].split(separator: "-")
            guard parts.count == 6, range.count == 2, let start = UInt(range[0], radix: 16),
                let end = UInt(range[1], radix: 16), start <= address, address < end
            else { continue }
            return parts[5].trimmingCharacters(in: .whitespaces)
        }
        return nil
    #endif
}

/// `numeral_abi_version`.
@_cdecl("numeral_abi_version")
public func abiVersion() -> Int32 { Code.abiVersion }

/// The version as a C string, never freed.
nonisolated(unsafe) private let versionText: UnsafeMutablePointer<CChar>? = strdup(Numeral.version)

/// `numeral_version`.
@_cdecl("numeral_version")
public func version() -> UnsafePointer<CChar>? { UnsafePointer(versionText) }

/// `numeral_load`.
@_cdecl("numeral_load")
public func load(
    _ path: UnsafePointer<CChar>?, _ threads: Int32, _ model: UnsafeMutablePointer<OpaquePointer?>?,
    _ error: UnsafeMutablePointer<CChar>?, _ errorSize: Int64
) -> Int32 {
    model?.pointee = nil
    return guarded(error, errorSize) {
        guard let path, let model else {
            throw InputError("numeral_load", expected: "a path and a place for the model", received: "null")
        }
        _ = resources
        let handle = Handle(try Model.load(String(cString: path), threads: threads == 0 ? nil : Int(threads)))
        model.pointee = OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
    }
}

/// `numeral_free`.
@_cdecl("numeral_free")
public func free(_ model: OpaquePointer?) {
    if let model { Unmanaged<Handle>.fromOpaque(UnsafeRawPointer(model)).release() }
}

/// `numeral_class_count`.
@_cdecl("numeral_class_count")
public func classCount(_ model: OpaquePointer?) -> Int32 { Int32(Handle.model(model)?.classNames.count ?? 0) }

/// `numeral_class_name`.
@_cdecl("numeral_class_name")
public func className(_ model: OpaquePointer?, _ label: Int32) -> UnsafePointer<CChar>? {
    guard let model, case let names = Handle.handle(model).names, names.indices.contains(Int(label)) else { return nil }
    return UnsafePointer(names[Int(label)])
}

/// `numeral_input_shape`.
@_cdecl("numeral_input_shape")
public func inputShape(_ model: OpaquePointer?, _ shape: UnsafeMutablePointer<Int32>?) {
    guard let shape, let model = Handle.model(model) else { return }
    (shape[0], shape[1]) = (Int32(model.inputShape.height), Int32(model.inputShape.width))
    shape[2] = Int32(model.inputShape.channels)
}
