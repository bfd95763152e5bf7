#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the linked BLAS says of itself. Vendor calls are looked up by name at run time and are simply absent where
/// the backend has none.
public enum BLASVendor {
    /// The backend chosen when the package was built (`NUMERAL_BLAS`).
    public static let backend: String = {
        #if NUMERAL_BLAS_BLIS
        "blis"
        #elseif NUMERAL_BLAS_NETLIB
        "netlib"
        #elseif NUMERAL_BLAS_ATLAS
        "atlas"
        #elseif NUMERAL_BLAS_MKL
        "mkl"
        #elseif NUMERAL_BLAS_ACCELERATE
        "accelerate"
        #else
        "openblas"
        #endif
    }()

    /// The version text of the library that answers, where it has one: `OpenBLAS 0.3.21 …`.
    public static var version: String? {
        switch backend {
        case "openblas": text("openblas_get_config")
        case "blis": text("bli_info_get_version_str").map { "BLIS \($0)" }
        case "mkl": mklVersion()
        case "netlib": "reference BLAS"
        default: nil
        }
    }

    /// The CPU core whose kernels the library picked: `Haswell`, `SkylakeX`, `Zen`.
    public static var core: String? {
        switch backend {
        case "openblas": text("openblas_get_corename")
        case "blis": blisArchitecture()
        default: nil
        }
    }

    /// Threads the library would use of its own for one call, where it tells.
    public static var threads: Int? {
        typealias Get = @convention(c) () -> Int32
        typealias GetLong = @convention(c) () -> Int
        if backend == "blis" {
            return symbol("bli_thread_get_num_threads").map { unsafeBitCast($0, to: GetLong.self)() }
        }
        return symbol(backend == "mkl" ? "MKL_Get_Max_Threads" : "openblas_get_num_threads")
            .map { Int(unsafeBitCast($0, to: Get.self)()) }
    }

    /// Sets the library to one thread a call, once, before the first: parallelism is the pool's.
    @inline(__always)
    static func useOneThread() { _ = oneThread }

    private static let oneThread: Void = {
        typealias Set = @convention(c) (Int32) -> Void
        typealias SetLong = @convention(c) (Int) -> Void
        switch backend {
        case "openblas": symbol("openblas_set_num_threads").map { unsafeBitCast($0, to: Set.self)(1) }
        case "blis": symbol("bli_thread_set_num_threads").map { unsafeBitCast($0, to: SetLong.self)(1) }
        case "mkl": symbol("MKL_Set_Num_Threads").map { unsafeBitCast($0, to: Set.self)(1) }
        default: break
        }
    }()

    private static func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        dlsym(UnsafeMutableRawPointer(bitPattern: 0), name)
    }

    private static func text(_ name: String) -> String? {
        typealias Get = @convention(c) () -> UnsafePointer<CChar>?
        guard let address = symbol(name), let characters = unsafeBitCast(address, to: Get.self)() else { return nil }
        return String(cString: characters)
    }

    private static func mklVersion() -> String? {
        typealias Get = @convention(c) (UnsafeMutablePointer<CChar>, Int32) -> Void
        guard let address = symbol("MKL_Get_Version_String") else { return nil }
        var buffer = [CChar](repeating: 0, count: 200)
        unsafeBitCast(address, to: Get.self)(&buffer, 199)
        return buffer.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
    }

    private static func blisArchitecture() -> String? {
        typealias Query = @convention(c) () -> Int32
        typealias Name = @convention(c) (Int32) -> UnsafePointer<CChar>?
        guard let query = symbol("bli_arch_query_id"), let name = symbol("bli_arch_string"),
            let characters = unsafeBitCast(name, to: Name.self)(unsafeBitCast(query, to: Query.self)())
        else { return nil }
        return String(cString: characters)
    }
}
