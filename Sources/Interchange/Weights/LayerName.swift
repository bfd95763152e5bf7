/// Layer names as other libraries write them: parts separated by dots or slashes, some of which are not the layer's
/// own.
enum LayerName {
    /// Parts added by wrappers: `torch.compile`, data-parallel training, its shards, activation checkpointing.
    private static let wrappers: Set<String> = [
        "_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
    ]

    /// The maximum number of common parts that are taken off.
    private static let mostPrefixes = 64

    private static func parts(_ name: String) -> [Substring] { name.split { $0 == "." || $0 == "/" } }

    /// Returns each name with dots, without wrappers and without the common prefix, by the name as written. Names stay
    /// as they are if two of them would become equal.
    static func plain(_ names: [String]) -> [String: String] {
        stripped(names).last ?? [:]
    }

    /// Returns the names in every possible reading: with all parts, without wrappers, without the first common part,
    /// and so on.
    private static func stripped(_ names: [String]) -> [[String: String]] {
        let whole = names.map(parts)
        let own = whole.map { parts in
            let own = parts.filter { !wrappers.contains(String($0)) }
            return own.isEmpty ? parts : own
        }
        var ways = [whole, own]
        var rest = own
        while ways.count < mostPrefixes, let first = rest.first?.first,
            rest.allSatisfy({ $0.count > 1 && $0[0] == first })
        {
            rest = rest.map { Array($0.dropFirst()) }
            ways.append(rest)
        }
        return ways.compactMap { way in
            let joined = way.map { $0.joined(separator: ".") }
            guard Set(joined).count == names.count else { return nil }
            return Dictionary(zip(names, joined)) { first, _ in first }
        }
    }

    /// Returns the equal name in the file for each wanted name that has one, using the reading that finds the most; of
    /// names without a common prefix (`backbone.conv1`, `head.fc`), the only one that ends in the wanted name.
    static func matches(of wanted: [String], in names: [String]) -> [String: String] {
        let wantedParts = wanted.map { ($0, parts($0).joined(separator: ".")) }
        var best: [String: String] = [:]
        for way in stripped(names) {
            let byReading = Dictionary(way.map { ($1, $0) }) { first, _ in first }
            var found: [String: String] = [:]
            for (name, reading) in wantedParts { found[name] = byReading[reading] }
            if found.count > best.count { best = found }
        }
        guard best.count < wanted.count else { return best }
        let whole = names.map { ($0, parts($0)) }
        var endings: [String: String] = [:]
        for name in wanted {
            let own = parts(name), alike = whole.filter { $0.1.suffix(own.count).elementsEqual(own) }
            if alike.count == 1 { endings[name] = alike[0].0 }
        }
        return endings.count > best.count && Set(endings.values).count == endings.count ? endings : best
    }
}

/// Names that differ only in numbers: `features.0`, `features.3`; `conv2d`, `conv2d_1`, as Keras counts.
enum NumberedNames {
    /// Returns the names in the order of their numbers; nil if they differ in anything else.
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

    /// Returns the name without its numbers, and the numbers. A name that does not end in a number counts as the first
    /// of its family. Nil if a number is too long.
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
