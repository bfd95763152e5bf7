import Evaluation
import Formats
import Foundation
import Testing

@testable import Runs

/// Any JSON. (JSONSerialization reads some numbers a bit off on Linux.)
enum JSONValue: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    subscript(index: Int) -> JSONValue? {
        if case .array(let items) = self, items.indices.contains(index) { items[index] } else { nil }
    }

    var keys: [String] {
        if case .object(let members) = self { members.keys.sorted() } else { [] }
    }
}

@Suite struct MetricsRecordTests {
    private func object(_ value: some Encodable) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: JSONText.encode(value, as: .metrics))
    }

    @Test func keysAndFigures() throws {
        let evaluation = try Samples.evaluation(classes: 10, samples: 300)
        let root = try object(Samples.metrics(evaluation, Samples.history(epochs: 6, best: 4)))
        #expect(
            root.keys == [
                "bestEpoch", "blas", "dataSource", "dataset", "epochs", "imagesPerSecond", "parameters",
                "stoppedEarly", "temperature", "test", "threads", "trainingSeconds",
            ])
        #expect(root["dataSource"] == .string("sample"))
        #expect(root["epochs"] == .number(6))
        #expect(root["stoppedEarly"] == .bool(true))
        #expect(root["trainingSeconds"] == .number(7.5))
        let test = try #require(root["test"])
        #expect(
            test.keys == [
                "accuracy", "accuracyInterval", "averagePrecision", "bootstrap", "brier", "calibrationError",
                "classesWithoutSamples", "count", "f1", "kappa", "logLoss", "loss", "macroClasses", "matthews",
                "perClass", "precision", "recall", "rocAuc", "topK",
            ])
        #expect(test["loss"] == .number(evaluation.logLoss))
        #expect(test["logLoss"] == .number(evaluation.logLoss))
        #expect(test["count"] == .number(300))
        let precision = evaluation.report.precision
        #expect(
            test["precision"]
                == .object([
                    "macro": .number(precision.macro), "micro": .number(precision.micro),
                    "weighted": .number(precision.weighted),
                ]))
        #expect(test["rocAuc"]?["macro"] == evaluation.roc.macroArea.map(JSONValue.number))
        #expect(test["rocAuc"]?["micro"] == evaluation.roc.micro.area.map(JSONValue.number))
        #expect(test["topK"]?.keys == ["2", "3", "5"])
        let fourth = try #require(test["perClass"]?[3])
        #expect(fourth["averagePrecision"] == .number(evaluation.precisionRecall.perClass[3].averagePrecision))
        #expect(fourth["support"] == .number(Double(evaluation.report.perClass[3].support)))
        #expect(test["perClass"]?[9] != nil && test["perClass"]?[10] == nil)
    }

    @Test func undefinedFiguresAreNull() throws {
        let predictions = try Predictions(labels: [0], probabilities: [1, 0], classNames: ["a", "b"])
        let root = try object(Samples.metrics(EvaluationSummary(predictions), nil))
        for key in ["epochs", "bestEpoch", "stoppedEarly", "trainingSeconds", "imagesPerSecond"] {
            #expect(root[key] == .null, "\(key)")
        }
        let test = try #require(root["test"])
        #expect(test["kappa"] == .null)
        #expect(test["rocAuc"] == .object(["macro": .null, "micro": .number(1), "weighted": .null]))
        #expect(test["perClass"]?[1]?["rocAuc"] == .null)
    }

    @Test func aDivergedRateIsNull() throws {
        var history = Samples.history(epochs: 1, best: 1)
        history.imagesPerSecond = .infinity
        let root = try object(Samples.metrics(try Samples.evaluation(classes: 3, samples: 9), history))
        #expect(root["imagesPerSecond"] == .null)
    }

    @Test func readsBackEqual() throws {
        let evaluation = try Samples.evaluation(classes: 4, samples: 33, names: Array(hostileNames.prefix(4)))
        for history in [nil, Samples.history(epochs: 2, best: 1)] {
            let record = Samples.metrics(evaluation, history)
            let data = try JSONText.encode(record, as: .metrics)
            #expect(try JSONDecoder().decode(MetricsRecord.self, from: data) == record)
        }
    }

    @Test func environment() throws {
        let data = try JSONText.encode(Samples.environment, as: .environment)
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        #expect(try decoder.decode(EnvironmentRecord.self, from: data) == Samples.environment)
        let root = try JSONDecoder().decode(JSONValue.self, from: data)
        #expect(root["date"] == .string("2023-11-14T22:13:20Z"))
        #expect(root["commit"] == .null)
        #expect(root["blas"]?["core"] == .null)
        // A path stays readable.
        #expect(String(decoding: data, as: UTF8.self).contains("\"a/b.json\""))
    }
}
