import CInstructions

/// How the kernels were compiled.
package enum KernelBuild {
    /// Bits of the vectors that the build knows of; a processor may have longer ones, which products take when they run.
    package static var vectorBits: Int { Int(numeral_built_for_bits) }
}
