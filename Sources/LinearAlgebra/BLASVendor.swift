#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Information about the BLAS loaded in this process, as reported by the library itself.
///
/// The dynamic linker decides at startup which library is used, and an alternative of the same name or
/// `LD_LIBRARY_PATH` can substitute another for the one that was built for. Each fact is therefore queried from the
/// library that defines `cblas_sgemm` in this process; functions that a vendor lacks are looked up dynamically and may
/// be absent.
package enum BLASVendor {
    /// The backend chosen when the package was built (`NUMERAL_BLAS`).
    package static let backend: String = {
        #if NUMERAL_BLAS_BLIS
            "blis"
        #elseif NUMERAL_BLAS_NETLIB
            "netlib"
        #elseif NUMERAL_BLAS_ATLAS
            "atlas"
        #elseif NUMERAL_BLAS_MKL
            "mkl"
        #elseif NUMERAL_BLAS_SCIPY_OPENBLAS
            "scipy-openblas"
        #elseif NUMERAL_BLAS_ACCELERATE
            "accelerate"
        #else
            "openblas"
        #endif
    }()

    /// The vendor of the library, identified by functions that only this vendor has.
    package enum Family: String, Sendable { case openBLAS, blis, mkl, atlas, reference, accelerate, unknown }

    /// The family of the library in use, regardless of the backend it was built for.
    package static let family: Family = {
        if backend == "accelerate" { return .accelerate }
        if symbol(prefix + "openblas_get_config") != nil { return .openBLAS }
        if symbol("bli_arch_query_id") != nil { return .blis }
        if symbol("MKL_Get_Version") != nil { return .mkl }
        if symbol("ATL_buildinfo") != nil { return .atlas }
        // The reference has no function of its own: it is the libblas that no other vendor's test matches.
        return fileName.hasPrefix("libblas.") ? .reference : .unknown
    }()

    /// The family that `backend` implies.
    package static var expectedFamily: Family {
        switch backend {
        case "blis": .blis
        case "netlib": .reference
        case "atlas": .atlas
        case "mkl": .mkl
        case "accelerate": .accelerate
        default: .openBLAS
        }
    }

    /// The path of the shared library that provides `cblas_sgemm`, with symbolic links resolved; nil if it is linked
    /// statically.
    package static let library: String? = {
        // Look up dladdr by name too: C headers hide it behind _GNU_SOURCE. The file name is the first of Dl_info's
        // four words.
        typealias Find = @convention(c) (UnsafeRawPointer, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Int32
        guard let address = dlsym(everywhere, prefix + "cblas_sgemm"), let find = dlsym(everywhere, "dladdr") else {
            return nil
        }
        var information = [UnsafePointer<CChar>?](repeating: nil, count: 4)
        guard unsafeBitCast(find, to: Find.self)(address, &information) != 0, let name = information[0] else {
            return nil
        }
        guard let resolved = realpath(name, nil) else { return String(cString: name) }
        defer { free(resolved) }
        return String(cString: resolved)
    }()

    /// The version of the library in use: `OpenBLAS 0.3.21 …`, or the number in its file name.
    package static var version: String? {
        switch family {
        case .openBLAS: text(prefix + "openblas_get_config")
        case .blis: text("bli_info_get_version_str").map { "BLIS \($0)" }
        case .mkl: mklVersion()
        case .atlas: "ATLAS" + fileVersion
        case .reference: "reference BLAS" + fileVersion
        case .accelerate, .unknown: nil
        }
    }

    /// The backend and its kernels, for records: `openblas Haswell`.
    package static var summary: String { [backend, core].compactMap { $0 }.joined(separator: " ") }

    /// The CPU core whose kernels the library selected at run time, such as `Haswell`, `SkylakeX` or `Zen`; nil if
    /// there is nothing to select (ATLAS and the reference are compiled for one) or nothing is selected yet (MKL,
    /// before its first call).
    package static var core: String? {
        switch family {
        case .openBLAS: text(prefix + "openblas_get_corename")
        case .blis: blisArchitecture()
        case .mkl: mklKernels()
        default: nil
        }
    }

    /// The number of threads that the library would use for one call, if it reports it.
    package static var threads: Int? {
        switch family {
        case .openBLAS: integer(prefix + "openblas_get_num_threads")
        case .blis: integer("bli_thread_get_num_threads")
        case .mkl: integer("MKL_Get_Max_Threads")
        // The reference has no threads; ATLAS has them only in separate files (libptcblas).
        case .atlas: fileName.contains("pt") ? nil : 1
        case .reference: 1
        case .accelerate, .unknown: nil
        }
    }

    /// Limits the library to one thread per call, once, before the first call: parallelism is the pool's
    /// responsibility.
    @inline(__always)
    static func useOneThread() {
        _ = oneThread
        if let limitOfCaller { limitOfCaller(1) }
    }

    /// The limit of an OpenBLAS built with OpenMP, which holds for the calling thread alone and is therefore set for
    /// each call (OpenBLAS issue 3933); nil for other builds.
    private static let limitOfCaller: (@convention(c) (Int32) -> Void)? = {
        typealias Get = @convention(c) () -> Int32
        let names: [String] = ["openblas_get_parallel", "scipy_openblas_get_parallel"]
        let usesOpenMP = names.contains { name in
            dlsym(everywhere, name).map { unsafeBitCast($0, to: Get.self)() == 2 } ?? false
        }
        guard usesOpenMP, let address = dlsym(everywhere, "omp_set_num_threads") else { return nil }
        return unsafeBitCast(address, to: (@convention(c) (Int32) -> Void).self)
    }()

    private static let oneThread: Void = {
        typealias Set = @convention(c) (Int32) -> Void
        typealias SetLong = @convention(c) (Int) -> Void
        typealias SetWays = @convention(c) (Int, Int, Int, Int, Int) -> Void
        typealias SetLayer = @convention(c) (Int32) -> Int32
        func call<Function>(_ name: String, _ body: (Function) -> Void, as type: Function.Type) {
            if let address = dlsym(everywhere, name) { body(unsafeBitCast(address, to: type)) }
        }
        // MKL: 32-bit integers and no threading layer, regardless of MKL_INTERFACE_LAYER, MKL_THREADING_LAYER and
        // MKL_DOMAIN_NUM_THREADS; both calls must precede every other one.
        call("MKL_Set_Interface_Layer", { _ = $0(0) }, as: SetLayer.self)
        call("MKL_Set_Threading_Layer", { _ = $0(1) }, as: SetLayer.self)
        call("MKL_Set_Num_Threads", { $0(1) }, as: Set.self)
        // BLIS: BLIS_JC_NT and the like are separate from the number of threads and take precedence over it.
        call("bli_thread_set_num_threads", { $0(1) }, as: SetLong.self)
        call("bli_thread_set_ways", { $0(1, 1, 1, 1, 1) }, as: SetWays.self)
        // Whichever backend is in use, OpenBLAS may be loaded as LAPACK's BLAS.
        call("openblas_set_num_threads", { $0(1) }, as: Set.self)
        call("scipy_openblas_set_num_threads", { $0(1) }, as: Set.self)
    }()

    /// The prefix of the backend's symbols.
    private static let prefix = backend == "scipy-openblas" ? "scipy_" : ""

    #if canImport(Darwin)
        private static var everywhere: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: -2) }
    #else
        private static var everywhere: UnsafeMutableRawPointer? { nil }
    #endif

    /// Looks up a function in the library in use or in one it depends on, but not in any other loaded library.
    private static func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        guard let handle else { return dlsym(everywhere, name) }
        return dlsym(handle, name)
    }

    nonisolated(unsafe) private static let handle: UnsafeMutableRawPointer? = library.flatMap {
        dlopen($0, RTLD_LAZY | RTLD_NOLOAD)
    }

    private static var fileName: String { library?.split(separator: "/").last.map(String.init) ?? "" }

    /// The version suffix of the file name: ` 3.11.0` for `libblas.so.3.11.0`; empty if the name contains only the
    /// soname.
    private static var fileVersion: String {
        guard let range = fileName.firstRange(of: ".so.") else { return "" }
        return " " + fileName[range.upperBound...]
    }

    /// Reads 32 bits, which on every little-endian machine works for both `int` and BLIS's 64-bit `dim_t`.
    private static func integer(_ name: String) -> Int? {
        typealias Get = @convention(c) () -> Int32
        return symbol(name).map { Int(unsafeBitCast($0, to: Get.self)()) }
    }

    private static func text(_ name: String) -> String? {
        typealias Get = @convention(c) () -> UnsafePointer<CChar>?
        guard let address = symbol(name), let characters = unsafeBitCast(address, to: Get.self)() else { return nil }
        return String(cString: characters)
    }

    private static func mklVersion() -> String? {
        typealias Get = @convention(c) (UnsafeMutablePointer<CChar>, Int32) -> Void
        guard let address = symbol("MKL_Get_Version_String") else { return nil }
        var characters = [CChar](repeating: 0, count: 200)
        unsafeBitCast(address, to: Get.self)(&characters, 199)
        return String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ").joined(separator: " ")
    }

    /// Returns which of MKL's kernel libraries (`libmkl_avx512`, `libmkl_def`…) its first call has loaded. The
    /// processor name in `MKL_Get_Version` does not identify the kernels on non-Intel processors.
    private static func mklKernels() -> String? {
        guard let library, let folder = library.lastIndex(of: "/"), let ending = fileName.firstRange(of: ".so") else {
            return nil
        }
        return ["avx10", "avx512", "avx2", "avx", "mc3", "mc", "def"].first {
            let path = library[...folder] + "libmkl_" + $0 + fileName[ending.lowerBound...]
            guard let handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD) else { return false }
            dlclose(handle)
            return true
        }
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
