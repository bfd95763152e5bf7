import Tensors

/// A stratified split into training and validation.
package enum StratifiedSplit {
    /// Returns the indices of both parts, each in ascending order. Every class contributes `fraction` of its images to
    /// validation, and the total is `fraction` of all images, rounded to nearest (largest remainders first, lower
    /// classes on a tie); no class gives up its last image.
    ///
    /// Which images of a class are chosen is a permutation at the address (seed, split, stream: class), so that the
    /// images of one class never affect another's.
    /// - Precondition: `fraction` is in [0, 1).
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

    /// Returns the indices of `count` disjoint parts that together hold all images, each in ascending order. Sizes
    /// differ by at most one, both in total and within each class.
    ///
    /// The images of a class, permuted at the address (seed, split, minor 1, stream: class), are dealt to the parts in
    /// turn; each class starts at the part after the one where the previous class ended.
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
