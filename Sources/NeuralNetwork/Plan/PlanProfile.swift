import Tensors
import Workers

/// A time profile of a plan's runs: nanoseconds per worker for every step `(operation, pass)`, the caller's time for
/// the work outside the steps, and the time that workers waited for one another.
///
/// Each worker adds to its own row; nothing is allocated or locked while a step runs. A plan without a profile pays one
/// branch per step and chunk. Created by ``TrainingNetwork/makeProfile()`` or ``InferenceNetwork/makeProfile()``.
package final class PlanProfile {
    /// Work outside the layers, timed on the caller's thread.
    package enum Section: Int, CaseIterable, Sendable {
        /// What operations derive from the parameters, once per step.
        case weightPreparation
        /// The summation of the shards' weight gradients.
        case gradientReduction
        case optimizer
        /// The softmax of the logits, at inference.
        case probabilities
    }

    /// The two directions through a network.
    package enum Direction: String, Sendable, Codable { case forward, backward }

    /// The time of one layer in one direction, over all runs.
    package struct Entry: Sendable {
        /// The layer's name; `loss` for the loss.
        package let layer: String
        package let direction: Direction
        /// The share of wall time: the workers' total time divided by their number.
        package internal(set) var seconds: Double
        /// The bytes of storages read and written per image; weights are not counted.
        package internal(set) var bytesPerImage: Int
        /// In the backward direction, whether the gradient of the layer's input is computed as well as that of its
        /// weights.
        package internal(set) var writesGradient: Bool
        /// The batch-norms whose moments are computed along with this layer.
        package internal(set) var momentsOf: [String]

        /// Returns a copy with `factor` times the seconds.
        package func scaled(_ factor: Double) -> Entry {
            var copy = self
            copy.seconds *= factor
            return copy
        }
    }

    /// The number of threads of the pool.
    package let threads: Int
    private let steps: [Program.Step]
    private let fusedMoments: [ObjectIdentifier: BatchNormOperation]
    /// `[threads, stride]`: a header of eight, then one sum per step.
    private let rows: AlignedBuffer<Int>
    private let stride: Int
    private static let header = 8
    /// Index in a row's header of the time up to which this worker is accounted for.
    private static let cursorIndex = 0
    /// Index in a row's header of the time at which its first task of this phase began; 0 before that.
    private static let firstIndex = 1
    private let sections: AlignedBuffer<Int>
    /// Nanoseconds without work, summed over the workers.
    private var idle = 0
    /// The time up to which the caller is accounted for.
    private var cursor = 0

    init(steps: [Program.Step], fusedMoments: [ObjectIdentifier: BatchNormOperation], threads: Int) {
        self.steps = steps
        self.fusedMoments = fusedMoments
        self.threads = threads
        stride = (Self.header + steps.count + 7) / 8 * 8  // each worker on its own cache lines
        rows = AlignedBuffer(count: stride * threads)
        sections = AlignedBuffer(count: Section.allCases.count)
    }

    // MARK: - While a plan runs

    /// Marks the beginning of a run.
    func beginRun() { cursor = MonotonicClock.nanoseconds() }

    /// Marks the end of `section`, which began where the last section or phase ended.
    package func mark(_ section: Section) {
        let now = MonotonicClock.nanoseconds()
        sections.pointer[section.rawValue] += now - cursor
        cursor = now
    }

    func beginPhase() {
        for worker in 0..<threads { rows.pointer[worker * stride + Self.firstIndex] = 0 }
    }

    func beginTask(worker: Int) {
        let row = rows.pointer + worker &* stride
        let now = MonotonicClock.nanoseconds()
        row[Self.cursorIndex] = now
        if row[Self.firstIndex] == 0 { row[Self.firstIndex] = now }
    }

    /// Marks the end of (a chunk of) step `step` on worker `worker`.
    func mark(step: Int, worker: Int) {
        let row = rows.pointer + worker &* stride
        let now = MonotonicClock.nanoseconds()
        row[Self.header &+ step] &+= now &- row[Self.cursorIndex]
        row[Self.cursorIndex] = now
    }

    /// Marks the barrier at the end of a phase: each worker was idle before its first and after its last task.
    func endPhase() {
        let now = MonotonicClock.nanoseconds()
        for worker in 0..<threads {
            let row = rows.pointer + worker * stride
            let first = row[Self.firstIndex]
            idle += first == 0 ? now - cursor : (first - cursor) + (now - row[Self.cursorIndex])
        }
        cursor = now
    }

    /// Marks the end of a reduction of step `step`, which the caller does alone.
    func markReduction(step: Int) {
        let now = MonotonicClock.nanoseconds()
        rows.pointer[Self.header + step] += now - cursor
        idle += (threads - 1) * (now - cursor)
        cursor = now
    }

    // MARK: - Afterwards

    /// Discards all times so far.
    package func reset() {
        rows.zero()
        sections.zero()
        idle = 0
    }

    /// Returns the wall time of a section, over all runs.
    package func seconds(_ section: Section) -> Double { Double(sections[section.rawValue]) * 1e-9 }

    /// The time that workers waited at the ends of phases and while the caller worked alone, divided by their number,
    /// over all runs.
    package var idleSeconds: Double { Double(idle) * 1e-9 / Double(threads) }

    /// An entry for every layer and direction that has steps of its own, in the order in which they first run.
    package var entries: [Entry] {
        var result: [Entry] = []
        var places: [String: Int] = [:]
        for (index, step) in steps.enumerated() {
            let direction: Direction = step.pass == .forward || step.pass == .moments ? .forward : .backward
            let key = "\(direction.rawValue)/\(step.operation.name)"
            let place = places[key] ?? result.count
            if place == result.count {
                places[key] = place
                result.append(
                    Entry(
                        layer: step.operation.name, direction: direction, seconds: 0, bytesPerImage: 0,
                        writesGradient: false, momentsOf: []))
            }
            var total = 0
            for worker in 0..<threads { total += rows[worker * stride + Self.header + index] }
            result[place].seconds += Double(total) * 1e-9 / Double(threads)
            let floats = step.storages.reduce(0) { $0 + $1.floatsPerImage }
            result[place].bytesPerImage += floats * MemoryLayout<Float>.stride
            if step.pass == .backward, !step.operation.writes(.backward).isEmpty { result[place].writesGradient = true }
            if step.pass == .forward, let norm = fusedMoments[ObjectIdentifier(step.operation)] {
                result[place].momentsOf.append(norm.name)
            }
        }
        return result
    }
}

extension Plan {
    func makeProfile() -> PlanProfile {
        PlanProfile(steps: program.steps, fusedMoments: program.fusedMoments, threads: pool.threads)
    }
}

extension TrainingNetwork {
    /// Returns an empty profile for ``profile``.
    package func makeProfile() -> PlanProfile { plan.makeProfile() }

    /// The profile that times every step; `nil`, the default, times nothing.
    package var profile: PlanProfile? {
        get { plan.profile }
        set { plan.profile = newValue }
    }
}

extension InferenceNetwork {
    private var profiled: Plan { batchSize == 1 || keepsApart ? singlePlan : plan }

    /// Returns an empty profile for ``profile``.
    package func makeProfile() -> PlanProfile { profiled.makeProfile() }

    /// The profile that times every call of ``predict(images:count:probabilities:)``; `nil`, the default, times
    /// nothing.
    package var profile: PlanProfile? {
        get { profiled.profile }
        set { profiled.profile = newValue }
    }
}
