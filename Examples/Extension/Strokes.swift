import Numeral

/// Images of one stroke in noise, in four directions: a data source that makes its images.
struct Strokes: DataProviderKind {
    var images = 400

    static let type = "strokes"
    static var options: Section<Strokes> {
        Section(
            initial: Strokes(), fields: [.key("images", \.images, .integer(8...100_000), "Of each half.")])
    }

    func load() throws -> ProvidedData {
        ProvidedData(train: try half(1)) { try half(2) }
    }

    private func half(_ seed: UInt64) throws -> ImageSet {
        var random = RandomStream(RandomAddress(seed: seed, purpose: .test)), pixels: [UInt8] = []
        for image in 0..<images {
            let offset = random.integer(below: 7) - 3
            for row in 0..<16 {
                for column in 0..<16 {
                    let along = [row, column, row - column + 8, row + column - 8][image % 4]
                    pixels.append((abs(along - 8 - offset) < 2 ? 150 : 0) + UInt8(random.integer(below: 100)))
                }
            }
        }
        let names = ["across", "down", "falling", "rising"]
        return try ImageSet(
            pixels: pixels, labels: (0..<images).map { $0 % 4 }, height: 16, width: 16, classNames: names)
    }
}
