import Evaluation
import Foundation
import Testing
import Training

@testable import Plots
@testable import Reports

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// What a strict XML reader sees: names of elements and all text.
final class XMLContent: NSObject, XMLParserDelegate {
    var elements: [String: Int] = [:]
    var attributes: [String: [[String: String]]] = [:]
    var text = ""

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes values: [String: String]
    ) {
        elements[name, default: 0] += 1
        attributes[name, default: []].append(values)
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}

struct NotWellFormed: Error {
    var line: Int
    var reason: String
}

@discardableResult
func wellFormed(_ data: Data) throws -> XMLContent {
    let parser = XMLParser(data: data)
    let content = XMLContent()
    parser.delegate = content
    guard parser.parse() else {
        throw NotWellFormed(line: parser.lineNumber, reason: "\(String(describing: parser.parserError))")
    }
    return content
}

@Suite struct SVGDocumentTests {
    @Test(arguments: [
        (0.0, "0"), (1.5, "1.5"), (1.05, "1.05"), (-0.001, "0"), (-2.25, "-2.25"), (99.999, "100"), (12.3456, "12.35"),
        (-0.5, "-0.5"), (1e6, "1000000"),
    ])
    func numbers(value: Double, text: String) { #expect(SVGDocument.number(value) == text) }

    @Test func forbiddenCharactersAreReplaced() throws {
        var picture = SVGDocument(width: 10, height: 10, title: "<&\">'\u{0}\u{1B}")
        picture.text("\u{FFFF}]]>\u{7}", x: 1, y: 2)
        let content = try wellFormed(Data(picture.text.utf8))
        #expect(content.text.contains("<&\">'\u{FFFD}\u{FFFD}"))
        #expect(content.text.contains("\u{FFFD}]]>\u{FFFD}"))
    }
}

@Suite struct FigureTests {
    private func figures(_ evaluation: EvaluationSummary) -> [String] {
        [
            ConfusionMatrixFigure.svg(evaluation), CurveFigures.precisionRecall(evaluation),
            CurveFigures.roc(evaluation), CalibrationFigure.svg(evaluation),
        ]
    }

    @Test func hostileNamesAreText() throws {
        let evaluation = try Samples.evaluation(classes: hostileNames.count, samples: 60, names: hostileNames)
        for figure in figures(evaluation) {
            let content = try wellFormed(Data(figure.utf8))
            #expect(content.elements["script"] == nil)
        }
        let matrix = try wellFormed(Data(ConfusionMatrixFigure.svg(evaluation).utf8))
        #expect(matrix.text.contains("<script>&'"))
    }

    @Test func sameBytesTwice() throws {
        let one = try figures(Samples.evaluation(classes: 5, samples: 80))
        let two = try figures(Samples.evaluation(classes: 5, samples: 80))
        #expect(one == two)
    }

    @Test func extremes() throws {
        // One sample; all wrong; certain and right.
        let cases: [([Int], [Float])] = [([1], [0.5, 0.5]), ([0, 1], [0.25, 0.75, 1, 0]), ([0, 1], [1, 0, 0, 1])]
        for (labels, probabilities) in cases {
            let evaluation = EvaluationSummary(
                try Predictions(labels: labels, probabilities: probabilities, classNames: ["a", "b"]))
            for figure in figures(evaluation) {
                let content = try wellFormed(Data(figure.utf8))
                #expect(!figure.contains("nan") && !figure.contains("inf\""))
                #expect(content.elements["svg", default: 0] >= 1)
            }
        }
    }

    @Test func confusionMatrixCells() throws {
        let evaluation = try Samples.evaluation(classes: 3, samples: 50)
        let content = try wellFormed(Data(ConfusionMatrixFigure.svg(evaluation).utf8))
        for (i, row) in evaluation.confusionMatrix.counts.enumerated() {
            for (j, count) in row.enumerated() {
                #expect(content.text.contains("true \(i), predicted \(j): \(count) (") == (count > 0))
            }
        }
    }

    @Test(arguments: [(5, 7), (10, 12), (11, 10), (62, 10)])
    func legendIsShort(classes: Int, entries: Int) throws {
        let evaluation = try Samples.evaluation(classes: classes, samples: 600, strength: 2)
        let content = try wellFormed(Data(CurveFigures.precisionRecall(evaluation).utf8))
        let others = classes > 10 ? classes - 8 : 0
        #expect(content.text.contains("\(others) other classes") == (others > 0))
        // One line per class, the micro- and the macro-average; no zoom at this accuracy.
        #expect(content.elements["path"] == classes + 2)
        let swatches = content.attributes["line", default: []].filter { line in
            guard let a = line["x1"].flatMap(Double.init), let b = line["x2"].flatMap(Double.init) else { return false }
            return b - a == 28
        }
        #expect(swatches.count == entries + (others > 0 ? 1 : 0))
    }

    @Test(arguments: [0, 1, 2, 50])
    func learningCurves(epochs: Int) throws {
        for validated in [true, false] {
            let history = Samples.history(epochs: epochs, best: min(epochs, 1), validated: validated)
            let content = try wellFormed(Data(LearningCurvesFigure.svg(history).utf8))
            #expect(content.text.contains("validation") == (validated && epochs > 0))
            #expect(content.elements["path", default: 0] == (epochs < 2 ? 0 : validated ? 5 : 3))
        }
    }

    /// A diverging loss spans dozens of decades.
    @Test func aDivergingLossStillMakesAPicture() throws {
        var history = Samples.history(epochs: 9, best: 3)
        for (epoch, loss) in [(4, 1e9), (5, 3e28), (6, 1e300)] { history.epochs[epoch].trainingLoss = loss }
        let content = try wellFormed(Data(LearningCurvesFigure.svg(history).utf8))
        #expect(content.text.contains("1e"))
        let axis = PlotAxis.decades("", [1e-300, 1e300])
        #expect((2...9).contains(axis.ticks.count) && axis.ticks.allSatisfy { $0.label.count <= 7 })
    }

    @Test func brokenEpochsLeaveGaps() throws {
        var history = Samples.history(epochs: 9, best: 3)
        history.epochs[4].trainingLoss = .nan
        history.epochs[5].validationLoss = .infinity
        let figure = LearningCurvesFigure.svg(history)
        let content = try wellFormed(Data(figure.utf8))
        #expect(!figure.contains("nan") && !figure.contains("inf"))
        // Both losses fall in two; accuracies and the rate do not.
        #expect(content.elements["path"] == 7)
    }
}

@Suite struct PolyLineTests {
    /// The thinned steps stay within half a unit of the full ones, at every x.
    @Test func thinningKeepsTheOutline() {
        var line = PolyLine(.steps)
        var all: [(x: Double, y: Double)] = []
        for i in 0..<20_000 {
            let point = (x: 400 - Double(i) * 0.02, y: 50 + 40 * sin(Double(i) * 0.7) * cos(Double(i) * 0.001))
            all.append(point)
            line.add(point.x, point.y)
        }
        let thinned = line.thinned()
        #expect(thinned.count <= 4 * 801)
        #expect(thinned.first?.x == all.first?.x && thinned.last?.x == all.last?.x)
        for column in 0..<400 {
            let inside = { (p: (x: Double, y: Double)) in p.x >= Double(column) && p.x < Double(column + 1) }
            #expect(all.filter(inside).map(\.y).max() == thinned.filter(inside).map(\.y).max())
            #expect(all.filter(inside).map(\.y).min() == thinned.filter(inside).map(\.y).min())
        }
    }

    @Test func pathData() {
        var steps = PolyLine(.steps)
        for (x, y) in [(10.0, 5.0), (8, 5), (6, 5), (4, 7), (2, 7)] { steps.add(x, y) }
        #expect(steps.pathData == "M10 5H4V7H2")
        var straight = PolyLine(.straight)
        for (x, y) in [(0.0, 5.0), (2, 5), (4, 5), (6, 7), (6, 9)] { straight.add(x, y) }
        #expect(straight.pathData == "M0 5H4L6 7V9")
        #expect(PolyLine(.steps).pathData == "")
    }
}

@Suite struct PlotAxisTests {
    @Test func linearTicks() {
        #expect(PlotAxis.linear("", 0...1).ticks.map(\.label) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(PlotAxis.linear("", 0.98...1).ticks.map(\.label) == ["0.980", "0.985", "0.990", "0.995", "1.000"])
        let epochs = PlotAxis.linear("", 1...50, ticks: 8, integers: true)
        #expect(epochs.ticks.map(\.label) == ["10", "20", "30", "40", "50"])
        #expect(PlotAxis.linear("", 0.5...1.5, ticks: 8, integers: true).ticks.map(\.label) == ["1"])
    }

    @Test func decades() {
        let axis = PlotAxis.decades("", [0.013, 0.9])
        #expect(axis.ticks.map(\.label) == ["0.01", "0.1", "1"])
        #expect(abs(axis.fraction(0.1) - 0.5) < 1e-12)
    }

    @Test func around() {
        let axis = PlotAxis.around("", [0.912, 0.996], within: 0...1, percent: true)
        #expect(axis.range.lowerBound <= 0.912 && axis.range.upperBound == 1)
        #expect(axis.ticks.first?.label == "90 %")
        // One value still has an extent.
        #expect(PlotAxis.around("", [1], within: 0...1, percent: true).range.lowerBound < 1)
        #expect(PlotAxis.around("", [0], within: 0...1).range.upperBound > 0)
    }
}
