import Formats
import Evaluation
import Foundation
import Testing
import Workers

@testable import Plots
@testable import Reports
@testable import Runs

@Suite struct ReportTests {
    private func page(_ report: RunReport) throws -> (text: String, content: XMLContent) {
        let text = try report.html()
        return (text, try wellFormed(Data(text.utf8)))
    }

    /// It names no file or host that is not in the run folder, and runs nothing.
    @Test func standsByItself() throws {
        let evaluation = try Samples.evaluation(classes: 10, samples: 300)
        let (text, content) = try page(Samples.report(evaluation, history: Samples.history(epochs: 5, best: 3)))
        for element in ["script", "link", "iframe", "img", "object"] { #expect(content.elements[element] == nil) }
        let files = Set(RunFile.ofImages.map(\.rawValue))
        for link in content.attributes["a", default: []].compactMap({ $0["href"] }) {
            #expect(link.hasPrefix("#") || files.contains(link), "\(link)")
        }
        for image in content.attributes["image", default: []].compactMap({ $0["href"] }) {
            #expect(image.hasPrefix("data:image/png;base64,"))
        }
        let namespaces = ["http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"]
        let rest = namespaces.reduce(text) { $0.replacing($1, with: "") }
        #expect(!rest.contains("://") && !rest.contains("@import") && !rest.contains("url("))
    }

    @Test func everythingIsThere() throws {
        let plain = try Samples.evaluation(classes: 10, samples: 300)
        let evaluation = EvaluationSummary(
            plain.predictions,
            bootstrap: BootstrapIntervals(plain.predictions, resamples: 60, seed: 0, pool: WorkerPool(threads: 1)))
        let (text, content) = try page(Samples.report(evaluation, history: Samples.history(epochs: 5, best: 3)))
        let ids = content.attributes["section", default: []].compactMap { $0["id"] }
        #expect(
            ids == [
                "metrics", "learning", "classes", "confusion", "mistakes", "precision-recall", "roc", "calibration",
                "embedding", "augmentation", "filters", "network", "configuration", "environment", "reproduce",
            ])
        let interval = try #require(evaluation.bootstrap?[.f1])
        for words in [
            "bundled sample", "trained on 3,500 images of mnist, 500 more chose the epoch",
            Text.percent(evaluation.report.accuracy),
            "\(Text.fixed(interval.lower, 4)) to \(Text.fixed(interval.upper, 4))",
            "conv2d<0>", "Some CPU, 2 cores", "ba89", "swift run trainer --config 'a & b.json'", "\"name\": \"<run>\"",
            "2023-11-14T22:13:20Z",
        ] {
            #expect(content.text.contains(words), "\(words)")
        }
        var fixed = try Samples.report(plain, history: Samples.history(epochs: 5, best: 5))
        fixed.data.choosesEpoch = false
        #expect(try page(fixed).content.text.contains("500 more held out for validation"))
        // A picture's own style sheet must not stand in the page again and again.
        #expect(text.components(separatedBy: Paint.darkStyleSheet).count == 2)
        #expect(content.elements["style"] == 1)
    }

    @Test func evaluatedModelsHaveNoTraining() throws {
        let evaluation = try Samples.evaluation(classes: 3, samples: 60)
        var report = try Samples.report(evaluation, history: nil)
        report.data.isSample = false
        report.pictures = RunPictures(mistakes: report.pictures.mistakes)
        let content = try page(report).content
        let ids = content.attributes["section", default: []].compactMap { $0["id"] }
        #expect(ids.contains("mistakes") && !ids.contains("learning") && !ids.contains("embedding"))
        #expect(
            content.text.contains("trained before, tested on 60 images") && !content.text.contains("bundled sample"))
    }

    @Test func hostileNamesAreText() throws {
        let evaluation = try Samples.evaluation(classes: hostileNames.count, samples: 60, names: hostileNames)
        let (_, content) = try page(
            Samples.report(evaluation, history: Samples.history(epochs: 2, best: 1), name: "</title><script>x"))
        #expect(content.elements["script"] == nil)
        #expect(content.text.contains("</title><script>x"))
    }

    /// Both palettes tell neighbouring series apart from the page: WCAG's contrast of graphical objects is 3.
    @Test func seriesStandOutInLightAndDark() throws {
        let text = Paint.darkStyleSheet
        for i in 0..<Paint.seriesCount {
            let light = try #require(Paint.series(i).fill(nil).split(separator: "\"").dropFirst().first)
            let start = try #require(text.range(of: ".n-s\(i){fill:"))
            let dark = text[start.upperBound...].prefix(7)
            #expect(contrast(String(light), "#ffffff") >= (i == 4 || i == 5 ? 2 : 3), "light \(i)")
            #expect(contrast(String(dark), "#15181d") >= 3, "dark \(i)")
        }
    }

    private func contrast(_ a: String, _ b: String) -> Double {
        func linear(_ byte: Int) -> Double {
            let value = Double(byte) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        func luminance(_ colour: String) -> Double {
            let value = Int(colour.dropFirst(), radix: 16) ?? 0
            return 0.2126 * linear(value >> 16 & 255) + 0.7152 * linear(value >> 8 & 255) + 0.0722 * linear(value & 255)
        }
        let pair = [luminance(a), luminance(b)].sorted()
        return (pair[1] + 0.05) / (pair[0] + 0.05)
    }
}
