import Formats
import Tensors

extension Audit {
    private var names: [String] { images.images.classNames }

    /// `labels.csv`: images that are predicted differently from their label or barely as labelled, least credible label
    /// first. `issue` is 1 if the label looks wrong. `action` is what `--apply` would do with these: `relabel` if the
    /// suggestion is at least 90 % probable, otherwise `remove`; it is `keep` for the others, and in a test half, which
    /// is never changed unasked. To override an action, edit the column. `digest` tells the image from others that may
    /// have its number once the data have changed.
    package func labelsTable() throws(OperationError) -> String {
        var table = CSV(header: [
            "part", "index", "label", "suggestion", "labelProbability", "suggestionProbability", "quality", "issue",
            "action", "digest",
        ])
        for (finding, isIssue) in labels.ranked {
            let place = images.place(finding.index)
            table.add(place.part)
            table.add(place.index)
            table.add(names[finding.label])
            table.add(names[finding.suggestion])
            table.add(finding.labelProbability)
            table.add(finding.suggestionProbability)
            table.add(finding.quality)
            table.add(isIssue ? 1 : 0)
            table.add((isIssue ? Correction.usual(finding, part: place.part) : .keep).rawValue)
            table.add(try images.images.shortDigest(of: finding.index))
            table.endLine()
        }
        return table.text
    }

    /// `noise.csv`: the joint distribution, a row per given class and a column per true one.
    package var noiseTable: String { Self.noiseTable(labels.joint, names) }

    package static func noiseTable(_ joint: ConfidentJoint, _ names: [String]) -> String {
        var table = CSV(header: ["given\\true"] + names)
        for (name, row) in zip(names, joint.joint) {
            table.add(name)
            for value in row { table.add(value) }
            table.endLine()
        }
        return table.text
    }

    /// `duplicates.csv`: a row per image, by group.
    package var duplicatesTable: String {
        var table = CSV(header: ["group", "kind", "part", "index", "label", "residual", "ratio", "leak", "conflict"])
        for (number, group) in duplicates.enumerated() {
            for member in group.members {
                let place = images.place(member)
                table.add(number + 1)
                table.add(group.isExact ? "exact" : "near")
                table.add(place.part)
                table.add(place.index)
                table.add(names[Int(images.images.labels[member])])
                table.add(group.residual)
                table.add(group.ratio)
                table.add(group.isLeak ? 1 : 0)
                table.add(group.hasConflict ? 1 : 0)
                table.endLine()
            }
        }
        return table.text
    }

    /// `strangers.csv`: the strangest images first.
    package var strangersTable: String {
        var table = CSV(header: ["part", "index", "label", "score", "far"])
        for stranger in strangers {
            let place = images.place(stranger.index)
            table.add(place.part)
            table.add(place.index)
            table.add(names[Int(images.images.labels[stranger.index])])
            table.add(stranger.score)
            table.add(stranger.isFar ? 1 : 0)
            table.endLine()
        }
        return table.text
    }

    /// `slices.csv`: the worst slices first.
    package var slicesTable: String {
        var table = CSV(header: ["slice", "images", "errors", "accuracy", "lower", "upper", "p"])
        for slice in slices {
            table.add(slice.name)
            table.add(slice.count)
            table.add(slice.errors)
            table.add(slice.accuracy)
            table.add(slice.interval.lower)
            table.add(slice.interval.upper)
            table.add(slice.p)
            table.endLine()
        }
        return table.text
    }

    /// `audit.json`.
    package var json: JSONValue {
        var object: JSONObject = [
            "images": .object(
                JSONObject(distinct: images.parts.map { .init(key: $0.name, value: .integer($0.range.count)) })),
            "judged": .integer(judged.count),
            "accuracy": .number(accuracy),
            "labels": Self.labelsJSON(
                labels, names: names,
                place: placeJSON),
            "duplicates": .array(
                duplicates.map { group in
                    [
                        "kind": .string(group.isExact ? "exact" : "near"), "residual": .number(group.residual),
                        "leak": .boolean(group.isLeak), "conflict": .boolean(group.hasConflict),
                        "images": .array(group.members.map(placeJSON)),
                    ]
                }),
            "strangers": .array(
                strangers.map { stranger in
                    [
                        "image": placeJSON(stranger.index), "score": .number(stranger.score),
                        "far": .boolean(stranger.isFar),
                    ]
                }),
            "slices": .array(
                slices.map { slice in
                    [
                        "slice": .string(slice.name), "images": .integer(slice.count), "errors": .integer(slice.errors),
                        "accuracy": .number(slice.accuracy), "lower": .number(slice.interval.lower),
                        "upper": .number(slice.interval.upper), "p": .number(slice.p),
                    ]
                }),
        ]
        object["drift"] = drift.map(\.json) ?? .null
        return .object(object)
    }

    private func placeJSON(_ index: Int) -> JSONValue {
        let place = images.place(index)
        return ["part": .string(place.part), "index": .integer(place.index)]
    }

    /// Returns the findings on labels.
    package static func labelsJSON(
        _ labels: LabelFindings, names: [String], place: (Int) -> JSONValue
    ) -> JSONValue {
        [
            "pruning": .string(labels.pruning.rawValue), "ranking": .string(labels.ranking.rawValue),
            "noiseShare": .number(labels.joint.noiseShare),
            "thresholds": .array(labels.joint.thresholds.map { .number($0) }),
            "confidentJoint": .array(labels.joint.counts.map { .array($0.map { .integer($0) }) }),
            "joint": .array(labels.joint.joint.map { .array($0.map { .number($0) }) }),
            "images": .array(
                labels.ranked.map { finding, isIssue in
                    [
                        "issue": .boolean(isIssue),
                        "image": place(finding.index), "label": .string(names[finding.label]),
                        "suggestion": .string(names[finding.suggestion]),
                        "labelProbability": .number(finding.labelProbability),
                        "suggestionProbability": .number(finding.suggestionProbability),
                        "quality": .number(finding.quality),
                    ]
                }),
        ]
    }
}

extension Audit.Drift {
    var json: JSONValue {
        func pair(_ values: [Double]) -> JSONValue { .array(values.map { .number($0) }) }
        let test: JSONValue =
            test.map {
                [
                    "drawn": .integer($0.drawn), "tested": .integer($0.tested), "correct": .integer($0.correct),
                    "accuracy": .number($0.accuracy), "lower": .number($0.interval.lower),
                    "upper": .number($0.interval.upper), "p": .number($0.p),
                ]
            } ?? .null
        return [
            "first": .string(first), "second": .string(second), "images": .array(counts.map { .integer($0) }),
            "test": test,
            "measures": .array(
                measures.map { measure in
                    [
                        "measure": .string(measure.measure.rawValue), "medians": pair(measure.medians),
                        "statistic": .number(measure.statistic), "p": .number(measure.p),
                    ]
                }),
            "classShares": .array(classShares.map(pair)), "classP": .number(classP), "confidence": pair(confidence),
            "accuracy": pair(accuracy), "calibrationError": pair(calibrationError),
        ]
    }
}
