import Formats

extension Experiment {
    /// Returns the differences from `other`, the configuration of a run, one string per key
    /// (`training.epochs 5 instead of 3`).
    ///
    /// `data.directory` and the section `output` are not compared: they do not affect what is learned. A layer's
    /// `lowering` may be unspecified here and resolved in `other`, since a run resolves it.
    package func differences(from other: Experiment) -> [String] {
        var (mine, others) = (self, other)
        (mine.data.directory, others.data.directory) = (nil, nil)
        (mine.output, others.output) = (OutputOptions(), OutputOptions())
        return JSONValue.differences(mine.json, others.json, ConfigurationPath())
    }
}

extension JSONValue {
    /// Returns the differences of `new` from `old`: objects by key, arrays of equal length by index.
    fileprivate static func differences(
        _ new: JSONValue, _ old: JSONValue, _ path: ConfigurationPath
    ) -> [String] {
        switch (new, old) {
        case _ where new == old: return []
        case (.object(let new), .object(let old)):
            let keys = new.keys + old.keys.filter { new[$0] == nil }
            return keys.flatMap { key -> [String] in
                let place = path.key(key)
                if key == "lowering", path.text != "model", leavesOpen(new[key], old[key]) { return [] }
                guard let a = new[key] else { return ["\(place.text) missing"] }
                guard let b = old[key] else { return ["\(place.text) \(a.excerpt) instead of nothing"] }
                return differences(a, b, place)
            }
        case (.array(let new), .array(let old)) where new.count == old.count:
            return zip(new, old).enumerated().flatMap { index, pair in
                differences(pair.0, pair.1, path.index(index))
            }
        default: return ["\(path.text) \(new.excerpt) instead of \(old.excerpt)"]
        }
    }

    /// Returns whether the lowering `new` may have been resolved to `old`.
    private static func leavesOpen(_ new: JSONValue?, _ old: JSONValue?) -> Bool {
        switch (new, old) {
        case (nil, _), (.null, _), ("auto", _): true
        // A kind, which some directions may not have supported.
        case (.string(let kind), .object(let directions)):
            directions.members.contains { $0.value.string?.prefix { $0 != ":" } == kind[...] }
        default: false
        }
    }
}
