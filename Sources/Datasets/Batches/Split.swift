import Tensors

/// A stratified split into training and validation.
package enum StratifiedSplit {
    /// Indices of both parts, each in rising order. Every class gives `fraction` of its images to validation, the
    /// whole being `fraction` of all images to the nearest one (largest remainders first, lower classes on a tie); no
    /// class gives its last image.
    ///
    /// Which ones is a permutation at the address (seed, split, stream: class), so that one class's images never
    /// change another's.
    /// - Precondition: `fraction` in [0, 1).
    package static func indices(
        of labels: [UInt8], fraction: Double, seed: UInt64
    ) -> (train: [Int], validation: [Int]) {
        precondition(fraction >= 0 && fraction < 1, "StratifiedSplit: fraction must be in [0, 1), received \(fraction)")
        var members = [[Int]](repeating: [], count: 256)
        for (index, label) in labels.enumerated() { members[Int(label)].append(index) }
        let shares = members.map { fraction * Double($0.count) }
        var sizes = shares.map { Int($0.rounded(.down)) }
        let wanted = Int((fraction * Double(labels.count)).rounded())
        let order = (0..<256).sorted {
            let (a, b) = (shares[$0] - Double(sizes[$0]), shares[$1] - Double(sizes[$1]))
            return a == b ? $0 < $1 : a > b
        }
        var missing = wanted - sizes.reduce(0, +)
        for c in order where missing > 0 && sizes[c] + 1 < members[c].count {
            sizes[c] += 1
            missing -= 1
        }
        var inValidation = [Bool](repeating: false, count: labels.count)
        for c in 0..<256 where sizes[c] > 0 {
            var stream = RandomStream(RandomAddress(seed: seed, purpose: .split, stream: UInt32(c)))
            for position in stream.permutation(members[c].count).prefix(sizes[c]) {
                inValidation[members[c][position]] = true
            }
        }
        return (labels.indices.filter { !inValidation[$0] }, labels.indices.filter { inValidation[$0] })
    }

    /// Indices of `count` parts that have no image in common and all together, each in rising order. Sizes differ by at most one, in
    /// all and in each class.
    ///
    /// The images of a class, in the order of a permutation at the address (seed, split, minor 1, stream: class), are dealt to the
    /// parts in turn, each class going on where the one before ended.
    /// - Precondition: `count` ≥ 1.
    package static func folds(of labels: [UInt8], count: Int, seed: UInt64) -> [[Int]] {
        precondition(count >= 1, "StratifiedSplit: at least one part, received \(count)")
        var members = [[Int]](repeating: [], count: 256)
        for (index, label) in labels.enumerated() { members[Int(label)].append(index) }
        var parts = [[Int]](repeating: [], count: count), next = 0
        for c in 0..<256 where !members[c].isEmpty {
            var stream = RandomStream(RandomAddress(seed: seed, purpose: .split, minor: 1, stream: UInt32(c)))
            for position in stream.permutation(members[c].count) {
                parts[next % count].append(members[c][position])
                next += 1
            }
        }
        return parts.map { $0.sorted() }
    }
}
