import Tensors
import Workers

/// Where the time of a plan's runs went: nanoseconds by worker for every step `(operation, pass)`, by the caller's clock
/// for the work beside them, and what workers spent waiting for one another.
///
/// Each worker adds to a row of its own; nothing is allocated or locked while a step runs. A plan without a profile
/// pays one branch a step and chunk. Made by ``TrainingNetwork/makeProfile()`` or ``InferenceNetwork/makeProfile()``.
package final class PlanProfile {
    /// Work beside the layers', timed on the caller's thread.
    package enum Section: Int, CaseIterable, Sendable {
        /// What operations derive from the parameters once a step.
        case weightPreparation
        /// The shards' weight gradients, added up.
        case gradientReduction
        case optimizer
        /// Inference: softmax of the logits.
        case probabilities
    }

    /// The two ways through a network.
    package enum Direction: String, Sendable, Codable { case forward, backward }

    /// What one layer took in one direction, over all runs.
    package struct Entry: Sendable {
        /// The layer's name; `loss` for the loss.
        package let layer: String
        package let direction: Direction
        /// Share of wall time: the workers' time ÷ their number.
        package internal(set) var seconds: Double
        /// Bytes of storages read and written for one image; weights are not counted.
        package internal(set) var bytesPerImage: Int
        /// Backward: whether the gradient of the layer's input is computed as well as that of its weights.
        package internal(set) var writesGradient: Bool
        /// Layers whose moments are taken along the way.
        package internal(set) var momentsOf: [String]

        /// The same with `factor` times the seconds.
        package func scaled(_ factor: Double) -> Entry {
            var copy = self
            copy.seconds *= factor
            return copy
        }
    }

    /// Of the pool.
    package let threads: Int
    private let steps: [Program.Step]
    private let fusedMoments: [ObjectIdentifier: BatchNormOperation]
    /// `[threads, stride]`: a header of eight, then one sum for each step.
    private let rows: AlignedBuffer<Int>
    private let stride: Int
    private static let header = 8
    /// Header of a row: the moment up to which this worker's time is accounted for.
    private static let cursorIndex = 0
    /// Header of a row: when its first task of this phase began; 0 before that.
    private static let firstIndex = 1
    private let sections: AlignedBuffer<Int>
    /// Worker-nanoseconds without work.
    private var idle = 0
    /// The moment up to which the caller's time is accounted for.
    private var cursor = 0

    init(steps: [Program.Step], fusedMoments: [ObjectIdentifier: BatchNormOperation], threads: Int) {
        self.steps = steps
        self.fusedMoments = fusedMoments
        self.threads = threads
        stride = (Self.header + steps.count + 7) / 8 * 8  // workers on cache lines of their own
        rows = AlignedBuffer(count: stride * threads)
        sections = AlignedBuffer(count: Section.allCases.count)
    }

    // MARK: - While a plan runs

    /// The caller begins a run.
    func beginRun() { cursor = MonotonicClock.nanoseconds() }

    /// The caller has finished `section`, which began where its last section or phase ended.
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

    /// Worker `worker` has finished (a chunk of) step `step`.
    func mark(step: Int, worker: Int) {
        let row = rows.pointer + worker &* stride
        let now = MonotonicClock.nanoseconds()
        row[Self.header &+ step] &+= now &- row[Self.cursorIndex]
        row[Self.cursorIndex] = now
    }

    /// All workers have met: what each waited before its first and after its last task was idle.
    func endPhase() {
        let now = MonotonicClock.nanoseconds()
        for worker in 0..<threads {
            let row = rows.pointer + worker * stride
            let first = row[Self.firstIndex]
            idle += first == 0 ? now - cursor : (first - cursor) + (now - row[Self.cursorIndex])
        }
        cursor = now
    }

    /// The caller alone has joined the shards' sums of step `step`.
    func markReduction(step: Int) {
        let now = MonotonicClock.nanoseconds()
        rows.pointer[Self.header + step] += now - cursor
        idle += (threads - 1) * (now - cursor)
        cursor = now
    }

    // MARK: - Afterwards

    /// Forgets all time so far.
    package func reset() {
        rows.zero()
        sections.zero()
        idle = 0
    }

    /// Wall time of a section, over all runs.
    package func seconds(_ section: Section) -> Double { Double(sections[section.rawValue]) * 1e-9 }

    /// What workers waited at the ends of phases and while the caller worked alone, ÷ their number, over all runs.
    package var idleSeconds: Double { Double(idle) * 1e-9 / Double(threads) }

    /// One entry for every layer and direction that has steps of its own, in the order in which they first run.
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
    /// An empty profile for ``profile``.
    package func makeProfile() -> PlanProfile { plan.makeProfile() }

    /// Times every step while it is there; nil, as at first, times nothing.
    package var profile: PlanProfile? {
        get { plan.profile }
        set { plan.profile = newValue }
    }
}

extension InferenceNetwork {
    private var profiled: Plan { batchSize == 1 ? singlePlan : plan }

    /// An empty profile for ``profile``.
    package func makeProfile() -> PlanProfile { profiled.makeProfile() }

    /// Times every call of ``predict(images:count:probabilities:)`` while it is there; nil, as at first, times nothing.
    package var profile: PlanProfile? {
        get { profiled.profile }
        set { profiled.profile = newValue }
    }
}
