extension ImageSet {
    /// Returns images that resemble these in every part but none of them as a whole, three for each of the first `most`
    /// images; nil if there is only one class.
    package func strangers(most: Int) -> ImageSet? {
        let count = min(most, self.count)
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * count * imageSize)
        let row = width * channels, half = height / 2, middle = width / 2 * channels
        for first in 0..<count {
            // The next image of another class, starting a third of the set away so that neighbours in a sorted file
            // differ too.
            let others = (1..<self.count).lazy.map { (first + self.count / 3 + $0) % self.count }
            guard let second = others.first(where: { labels[$0] != labels[first] }) else { return nil }
            let both = [first: bytes(of: first), second: bytes(of: second)]
            func line(_ image: Int, _ y: Int) -> ArraySlice<UInt8> { (both[image] ?? [])[(y * row)..<((y + 1) * row)] }
            for y in 0..<height { pixels += line(first, y).prefix(middle) + line(second, y).dropFirst(middle) }
            for y in 0..<height { pixels += line(y < half ? first : second, y) }
            for y in 0..<height {
                let from = line(first, (y + half) % height)
                pixels += from.dropFirst(middle) + from.prefix(middle)
            }
        }
        return ImageSet(self, bytes: pixels)
    }
}

extension LineSet {
    /// Every line with its upper and lower halves swapped: plausible strokes, but no characters.
    package var strangers: LineSet {
        var result = self
        for (b, bucket) in buckets.enumerated() {
            let size = height * bucket.width, half = height / 2 * bucket.width
            result.buckets[b].pixels = bucket.texts.indices.flatMap { line in
                let pixels = bucket.pixels[(line * size)..<((line + 1) * size)]
                return pixels.dropFirst(half) + pixels.prefix(half)
            }
        }
        return result
    }
}
