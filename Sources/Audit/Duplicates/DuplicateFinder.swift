import Datasets
import LinearAlgebra
import Synchronization
import Tensors
import Workers

/// Two images that are near duplicates.
package struct DuplicatePair: Hashable, Sendable {
    /// Indices over all parts, the lower one first.
    package var first: Int
    package var second: Int
    /// What remains of one image when the other is aligned with it and subtracted, as a share of it: 0 for the same
    /// bytes.
    package var residual: Double
    /// The residual relative to those under neighbours that are not copies; below 1 if the pair is closer than these.
    package var ratio: Double
}

/// Finds duplicate images: the same bytes, or a copy that was shifted, rotated, scaled, brightened or blurred a little.
///
/// The candidates are an image's six nearest neighbours by the network's features and its six nearest by
/// ``ImageDescriptor``, both by cosine similarity. The image's residual under each (``Alignment``) is compared with the
/// residuals under the fifth to tenth best, which are other pictures of the same kind: two ones of a set of digits are
/// far more alike than two twos.
package final class DuplicateFinder {
    /// The thresholds for a copy. Determined on MNIST's 70,000 images with planted copies: `Benchmarks/audit.py copies`
    /// counts how many of these, and how many other pairs, pass.
    package struct Limits: Hashable, Sendable {
        /// The maximum of the residual times the ratio.
        package var product = 0.009
        /// The maximum of the ratio.
        package var ratio = 0.35

        package init() {}
    }

    private static let neighbours = 6

    private let pixels: GreyPixels
    private let prepared: [Alignment.Prepared]
    private let alignment: Alignment
    private let pool: WorkerPool

    package init(_ images: ImageSet, pool: WorkerPool) {
        let grey = GreyPixels(images)
        pixels = grey
        alignment = Alignment(height: images.height, width: images.width)
        self.pool = pool
        prepared = (0..<grey.count).map {
            Alignment.Prepared(grey.image($0), height: grey.height, width: grey.width)
        }
    }

    /// Returns groups of images with the same bytes. Members are in ascending order, groups in the order of their first
    /// members.
    package static func exact(_ images: ImageSet) -> [[Int]] {
        var first: [ArraySlice<UInt8>: Int] = [:], groups: [Int: [Int]] = [:]
        for (index, bytes) in images.eachBytes.enumerated() {
            if let earlier = first[bytes] {
                groups[earlier, default: [earlier]].append(index)
            } else {
                first[bytes] = index
            }
        }
        return groups.keys.sorted().compactMap { groups[$0] }
    }

    /// Returns pairs of near duplicates, ordered by their first and second image.
    /// - Parameter features: the network's features, `[N, d]`; nil to compare by appearance alone.
    package func near(features: [Float]?, limits: Limits = Limits()) -> [DuplicatePair] {
        let n = pixels.count
        guard n >= 2 else { return [] }
        var lists = [
            NearestRows.find(
                ImageDescriptor.descriptors(pixels), d: ImageDescriptor.side * ImageDescriptor.side,
                count: Self.neighbours, pool: pool)
        ]
        if let features {
            let rows = AlignedBuffer<Float>(count: features.count)
            for i in features.indices { rows[i] = features[i] }
            let d = features.count / n
            ImageDescriptor.normalize(rows, d: d)
            lists.append(NearestRows.find(rows, d: d, count: Self.neighbours, pool: pool))
        }
        let work = Comparison(prepared, alignment, lists, limits)
        pool.run(work, tasks: work.taskCount)
        var pairs: [Int: DuplicatePair] = [:]
        for pair in work.results.flatMap({ $0 }) {
            let key = pair.first * n + pair.second
            if let known = pairs[key], known.ratio <= pair.ratio { continue }
            pairs[key] = pair
        }
        return pairs.keys.sorted().compactMap { pairs[$0] }
    }

    /// Compares images with their candidates in blocks; each task has its own slot in the results.
    private final class Comparison: ParallelWork {
        private static let block = 64
        private let prepared: [Alignment.Prepared]
        private let alignment: Alignment
        private let lists: [[Int32]]
        private let limits: Limits
        private let found: Mutex<[[DuplicatePair]]>
        let taskCount: Int
        var results: [[DuplicatePair]] { found.withLock { $0 } }

        init(
            _ prepared: [Alignment.Prepared], _ alignment: Alignment, _ lists: [[Int32]], _ limits: Limits
        ) {
            (self.prepared, self.alignment, self.lists, self.limits) = (prepared, alignment, lists, limits)
            let count = (prepared.count + Self.block - 1) / Self.block
            taskCount = count
            found = Mutex(Array(repeating: [], count: count))
        }

        func run(task: Int, worker: Int) {
            var scratch = Alignment.Scratch(alignment)
            var found: [DuplicatePair] = []
            for index in (task * Self.block)..<min((task + 1) * Self.block, prepared.count) {
                var candidates: [Int] = []
                for list in lists {
                    for k in 0..<DuplicateFinder.neighbours {
                        let other = Int(list[index * DuplicateFinder.neighbours + k])
                        if other >= 0, !candidates.contains(other) { candidates.append(other) }
                    }
                }
                let residuals = candidates.map { other in
                    (other, Double(alignment.residual(prepared[index], prepared[other], &scratch)))
                }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }
                // The residuals under other pictures of the same kind.
                let others = residuals.dropFirst(4).prefix(6).map(\.1)
                let usual = others.isEmpty ? 1 : others[others.count / 2]
                for (other, residual) in residuals {
                    let ratio = usual > 0 ? residual / usual : 1
                    guard residual * ratio <= limits.product, ratio <= limits.ratio else { break }
                    found.append(
                        DuplicatePair(
                            first: min(index, other), second: max(index, other), residual: residual, ratio: ratio))
                }
            }
            self.found.withLock { $0[task] = found }
        }
    }

    /// Returns the groups of images that pairs connect. Members are in ascending order, groups in the order of their
    /// first members.
    package static func groups(_ pairs: [(Int, Int)], count: Int) -> [[Int]] {
        var parent = Array(0..<count)
        func root(_ i: Int) -> Int {
            var i = i
            while parent[i] != i {
                parent[i] = parent[parent[i]]
                i = parent[i]
            }
            return i
        }
        for (a, b) in pairs {
            let (x, y) = (root(a), root(b))
            if x != y { parent[max(x, y)] = min(x, y) }
        }
        var members: [Int: [Int]] = [:]
        for i in 0..<count { members[root(i), default: []].append(i) }
        return members.keys.sorted().compactMap { members[$0] }.filter { $0.count > 1 }
    }
}
