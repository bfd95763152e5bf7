import Foundation
import TestSupport
import Tensors
import Testing

@testable import Audit

/// Wrong labels, as cleanlab finds them (`Tests/Oracles/make_cleanlab.py`).
struct LabelTests {
    struct Fixture: Decodable {
        struct Case: Decodable {
            var labels: [Int]
            var probabilities: [Double]
            var classes: Int
            var thresholds: [Double]
            var counts: [[Int]]
            var calibrated: [[Int]]
            var joint: [[Double]]
            var issues: [String: [Int]]
            var scores: [String: [Double]]

            func data() throws -> LabelledProbabilities {
                try LabelledProbabilities(
                    labels: labels, probabilities: probabilities, classNames: (0..<classes).map { "\($0)" })
            }
        }
        var cases: [Case]
    }

    static func cases() throws -> [Fixture.Case] {
        let url = try #require(
            Bundle.module.url(forResource: "cleanlab", withExtension: "json", subdirectory: "Fixtures"))
        return try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url)).cases
    }

    @Test func jointIsCleanlabs() throws {
        for (number, test) in try Self.cases().enumerated() {
            let joint = ConfidentJoint(try test.data())
            for (ours, theirs) in zip(joint.thresholds, test.thresholds) { #expect(abs(ours - theirs) < 1e-12) }
            #expect(joint.counts == test.counts, "case \(number)")
            #expect(joint.calibrated == test.calibrated, "case \(number)")
            for (ours, theirs) in zip(joint.joint.joined(), test.joint.joined()) { #expect(abs(ours - theirs) < 1e-12) }
        }
    }

    @Test func issuesAreCleanlabs() throws {
        for (number, test) in try Self.cases().enumerated() {
            let data = try test.data(), joint = ConfidentJoint(data)
            for pruning in LabelPruning.allCases {
                #expect(
                    pruning.issues(data, joint) == test.issues[pruning.rawValue], "case \(number), \(pruning.rawValue)")
            }
        }
    }

    @Test func scoresAreCleanlabs() throws {
        for test in try Self.cases() {
            let data = try test.data()
            for quality in LabelQuality.allCases {
                let theirs = try #require(test.scores[quality.rawValue])
                for (a, b) in zip(quality.scores(data), theirs) { #expect(abs(a - b) < 1e-9) }
            }
        }
    }

    @Test func findingsAreRanked() throws {
        let data = try LabelledProbabilities(
            labels: [0, 0, 0, 0, 1, 1, 1, 1],
            probabilities: [0.9, 0.1, 0.95, 0.05, 0.04, 0.96, 0.9, 0.1, 0.1, 0.9, 0.4, 0.6, 0.92, 0.08, 0.51, 0.49],
            classNames: ["a", "b"])
        let findings = LabelFindings(data, pruning: .confident)
        #expect(findings.findings.map(\.index) == [2, 6])
        #expect(findings.findings.map(\.suggestion) == [1, 0])
        // Read otherwise, but not confidently.
        #expect(findings.doubtful.map(\.index) == [7])
        #expect(findings.ranked.map(\.finding.index) == [2, 6, 7])
    }

    @Test func readsTables() throws {
        let folder = try TemporaryFolder()
        func read(_ text: String) throws -> LabelledProbabilities {
            try LabelledProbabilities.read(folder.write(Array(text.utf8), "p.csv"))
        }
        let named = try read("label,p_cat,p_dog\ndog,0.25,0.75\ncat,0.9,0.1\n")
        #expect(named.labels == [1, 0])
        #expect(named.classNames == ["cat", "dog"])
        let numbered = try read("index,label,prediction,p0,p1,labelName,predictionName\n0,1,1,0.25,0.75,dog,dog\n")
        #expect(numbered.labels == [1])
        #expect(numbered.probabilities == [0.25, 0.75])
        let bad = [
            "", "a,b\n1,2\n", "label\n0\n", "label,p0,p1\n2,0.5,0.5\n", "label,p0,p1\n0,0.5\n",
            "label,p0,p1\n0,0.5,x\n",
            "label,p0,p1\n0,0.5,0.7\n", "label,p0,p1\n0,nan,1\n", "label,p0,p1\n0,-0.5,1.5\n", "label,p0,p1\n",
        ]
        for text in bad { #expect(throws: InputError.self, "\(text)") { try read(text) } }
        // More columns than there may be classes are not all looked for one by one.
        let many = (0..<100_000).map { "p\($0)" }.joined(separator: ",")
        #expect(throws: InputError.self) { try read("label,\(many)\n") }
    }
}
