import CInstructions

/// How the kernels were compiled.
package enum KernelBuild {
    /// The vector width in bits that the build targets; products detect and use wider vectors at run time.
    package static var vectorBits: Int { Int(numeral_built_for_bits) }
}
