/// Names of layers as other libraries write them: parts between dots or slashes, some of which are not the layer's own.
enum LayerName {
    /// Parts that wrappers put in: `torch.compile`, data-parallel training, its shards, activation checkpoints.
    private static let wrappers: Set<String> = [
        "_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
    ]

    private static func parts(_ name: String) -> [Substring] { name.split { $0 == "." || $0 == "/" } }

    /// Each name with dots, without wrappers and without the parts that all have in front; by the name as written.
    /// Where that would make two of them one, they stay as they are.
    static func plain(_ names: [String]) -> [String: String] {
        stripped(names).last ?? [:]
    }

    /// The names in every way they can be read: with all parts, without wrappers, without the first part that all have,
    /// and so on.
    private static func stripped(_ names: [String]) -> [[String: String]] {
        let whole = names.map(parts)
        let own = whole.map { parts in
            let own = parts.filter { !wrappers.contains(String($0)) }
            return own.isEmpty ? parts : own
        }
        var ways = [whole, own]
        var rest = own
        while let first = rest.first?.first, rest.allSatisfy({ $0.count > 1 && $0[0] == first }) {
            rest = rest.map { Array($0.dropFirst()) }
            ways.append(rest)
        }
        return ways.compactMap { way in
            let joined = way.map { $0.joined(separator: ".") }
            guard Set(joined).count == names.count else { return nil }
            return Dictionary(zip(names, joined)) { first, _ in first }
        }
    }

    /// Of each wanted name the name in the file that is the same, where one is, read in the way that most are found.
    static func matches(of wanted: [String], in names: [String]) -> [String: String] {
        let wantedParts = wanted.map { ($0, parts($0).joined(separator: ".")) }
        var best: [String: String] = [:]
        for way in stripped(names) {
            let byReading = Dictionary(way.map { ($1, $0) }) { first, _ in first }
            var found: [String: String] = [:]
            for (name, reading) in wantedParts { found[name] = byReading[reading] }
            if found.count > best.count { best = found }
        }
        return best
    }
}

/// Names that differ in nothing but numbers: `features.0`, `features.3`; `conv2d`, `conv2d_1`, as Keras counts.
enum NumberedNames {
    /// The names in the order of their numbers; nil where they differ in more.
    static func order(_ names: [String]) -> [String]? {
        var seen: [[UInt64]: String] = [:]
        var family: String?
        for name in names {
            guard let (skeleton, numbers) = split(name), family ?? skeleton == skeleton,
                seen.updateValue(name, forKey: numbers) == nil
            else { return nil }
            family = skeleton
        }
        return seen.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
    }

    /// The name without its numbers, and they; a name that ends in none counts as its family's first. Nil where a number
    /// is too long.
    private static func split(_ name: String) -> (skeleton: String, numbers: [UInt64])? {
        var skeleton = ""
        var numbers: [UInt64] = []
        var text = Substring(name)
        while let first = text.unicodeScalars.first {
            guard ("0"..."9").contains(first) else {
                skeleton.unicodeScalars.append(first)
                text.unicodeScalars.removeFirst()
                continue
            }
            let digits = text.prefix { $0.isASCII && $0.isNumber }
            guard let number = UInt64(digits) else { return nil }
            skeleton += "#"
            numbers.append(number)
            text = text[digits.endIndex...]
        }
        if !skeleton.hasSuffix("#") {
            skeleton += "_#"
            numbers.append(0)
        }
        return (skeleton, numbers)
    }
}
