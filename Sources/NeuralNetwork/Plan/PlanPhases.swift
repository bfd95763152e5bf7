import Tensors
import Workers

extension Program.Step {
    var storages: [Storage] { operation.reads(pass) + operation.writes(pass) }
}

/// The steps between two barriers for all workers.
protocol Phase: ParallelWork {
    var taskCount: Int { get }
    /// The steps whose operations reduce their shards' sums after this phase.
    var reductions: [Program.Step] { get }
    /// The storages that every rank needs for the whole batch before this phase.
    var gathered: [Storage] { get }
    /// All its steps, in order.
    var steps: [Program.Step] { get }
    /// The number of its first step in the program.
    var firstStep: Int { get }
    /// Every use of a storage, with its segment and step number.
    var accesses: [(storage: Storage, segment: Int, step: Int)] { get }
    func chunkImages(_ segment: Int) -> Int
}

/// Steps that depend on their own images only: each task takes a shard through all of them.
final class ShardPhase: Phase {
    struct Segment {
        let steps: [Program.Step]
        let chunkImages: Int
    }

    unowned let plan: Plan
    let segments: [Segment]
    let reductions: [Program.Step]
    let firstStep: Int

    init(plan: Plan, segments: [Segment], reductions: [Program.Step], firstStep: Int) {
        self.plan = plan
        self.segments = segments
        self.reductions = reductions
        self.firstStep = firstStep
    }

    var steps: [Program.Step] { segments.flatMap(\.steps) }
    let gathered: [Storage] = []
    var taskCount: Int { plan.run.rankShards.count }
    func chunkImages(_ segment: Int) -> Int { segments[segment].chunkImages }

    var accesses: [(storage: Storage, segment: Int, step: Int)] {
        var result: [(Storage, Int, Int)] = []
        var number = 0
        for (index, segment) in segments.enumerated() {
            for step in segment.steps {
                result += step.storages.map { ($0, index, number) }
                number += 1
            }
        }
        return result
    }

    func run(task: Int, worker: Int) {
        let run = plan.run
        let shard = run.rankShards.lowerBound + task
        let images = plan.sharding.images(of: shard..<shard + 1, count: run.count)
        let scratch = plan.scratch(worker)
        let profile = plan.profile
        profile?.beginTask(worker: worker)
        var segmentStep = firstStep
        for segment in segments {
            var start = images.lowerBound
            while start < images.upperBound {
                let end = min(start + segment.chunkImages, images.upperBound)
                let chunk = Chunk(
                    images: start..<end, shard: shard, shardImages: images, worker: worker, scratch: scratch, run: run)
                for (index, step) in segment.steps.enumerated() {
                    step.operation.run(step.pass, chunk)
                    profile?.mark(step: segmentStep + index, worker: worker)
                }
                start = end
            }
            segmentStep += segment.steps.count
        }
    }
}

/// One operation that splits its own work.
final class BlockPhase: Phase {
    unowned let plan: Plan
    let operation: any BlockOperation
    let pass: Pass
    let firstStep: Int
    let reductions: [Program.Step]
    let gathered: [Storage]

    init(plan: Plan, operation: any BlockOperation, pass: Pass, firstStep: Int) {
        self.plan = plan
        self.operation = operation
        self.pass = pass
        self.firstStep = firstStep
        reductions = [.init(operation: operation, pass: pass)]
        gathered = operation.gathers(pass)
    }

    var steps: [Program.Step] { [.init(operation: operation, pass: pass)] }
    var taskCount: Int { operation.blockCount(pass, plan.run) }
    var accesses: [(storage: Storage, segment: Int, step: Int)] {
        Program.Step(operation: operation, pass: pass).storages.map { ($0, 0, 0) }
    }
    func chunkImages(_ segment: Int) -> Int { plan.capacity }
    func run(task: Int, worker: Int) {
        plan.profile?.beginTask(worker: worker)
        operation.runBlock(pass, block: task, scratch: plan.scratch(worker), plan.run)
        plan.profile?.mark(step: firstStep, worker: worker)
    }
}

/// Calls every operation's ``Operation/refresh()``.
final class RefreshWork: ParallelWork {
    private let operations: [any Operation]
    init(_ operations: [any Operation]) { self.operations = operations }
    var count: Int { operations.count }
    func run(task: Int, worker: Int) { operations[task].refresh() }
}
