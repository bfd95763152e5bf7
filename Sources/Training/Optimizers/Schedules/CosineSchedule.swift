import Formats

extension ScheduleOptions {
    /// Decays from 1 to `finalFactor` along half a cosine, in each of `cycles` equal parts of the run. The weights at
    /// the end of each cycle are a snapshot: G. Huang et al., "Snapshot ensembles: train 1, get M for free", 2017,
    /// arXiv:1704.00109.
    public static func cosine(finalFactor: Double = 0, cycles: Int = 1) -> ScheduleOptions {
        ScheduleOptions(CosineSchedule(finalFactor: finalFactor, cycles: cycles))
    }
}

/// The shape of ``ScheduleOptions/cosine(finalFactor:cycles:)``: `f + (1 − f)(1 + cos(πu/N))/2` over N steps; with M
/// cycles, the same at `u mod L` over L = ⌈N/M⌉ steps; PyTorch's `CosineAnnealingLR(N, f)` and
/// `CosineAnnealingWarmRestarts(L)`.
package struct CosineSchedule: ScheduleShape {
    package var finalFactor = 0.0
    package var cycles = 1

    package static let type = "cosine"
    package static var options: Section<CosineSchedule> {
        Section(
            initial: CosineSchedule(),
            fields: [
                .key("finalFactor", \.finalFactor, .number(.closed(0, 1)), "Part of the peak that is left at the end."),
                .key(
                    "cycles", \.cycles, .integer(1...1000),
                    "Equal parts of the run in which the rate begins anew; each leaves a model file, a snapshot."),
            ])
    }

    package func factor(_ u: Int, steps: Int, stepsPerEpoch: Int) -> Double {
        let length = (steps + cycles - 1) / cycles
        return Self.halfCosine(1, finalFactor, Double(u % length) / Double(length))
    }
}
