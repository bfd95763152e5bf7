import Foundation
import Testing

@testable import Numeral
@testable import Training
@testable import Commands

/// What training looks like on terminals of several widths.
@Suite struct DisplayTests {
    private func progress(epoch: Int = 7, step: Int = 211) -> StepProgress {
        StepProgress(
            epoch: epoch, step: step, stepsPerEpoch: 422, images: 27_008, seconds: 2.5, loss: 0.33504,
            accuracy: 0.991_72, learningRate: 1e-3)
    }

    private func text(_ line: ProgressLine, _ columns: Int, unicode: Bool = true) -> String {
        let (head, filled, empty, tail) = line.layout(columns: columns, unicode: unicode)
        return head + filled + empty + tail
    }

    @Test func everythingFitsEightyColumns() {
        let line = TrainingDisplay.line(progress(), epochs: 15, secondsLeft: 41, best: (6, "0.3144"))
        #expect(
            text(line, 80)
                == " 7/15 ━━━━━╸─────  10,803/s  0:41 left  loss 0.3350  acc 99.17  best 0.3144 (6)")
        #expect(
            text(line, 80, unicode: false)
                == " 7/15 #####------  10,803/s  0:41 left  loss 0.3350  acc 99.17  best 0.3144 (6)")
    }

    /// The accuracy goes first, then the rate, the best, the time; the loss and a bar stay to the end.
    @Test(arguments: 0...200)
    func noWidthIsPassed(columns: Int) {
        let line = TrainingDisplay.line(progress(), epochs: 15, secondsLeft: 41, best: (6, "0.3144"))
        let shown = text(line, columns)
        #expect(shown.count <= max(columns - 1, " 7/15 ".count))
        let names = ["loss", "left", "best", "/s", "acc"]
        let present = names.map { shown.contains($0) }
        #expect(present == present.sorted { $0 && !$1 }, "\(shown)")
        if columns >= 60 { #expect(present[0] && present[1] && present[2]) }
    }

    @Test func theBarIsAsFullAsTheEpoch() {
        func bar(_ step: Int) -> (String, String) {
            let line = TrainingDisplay.line(progress(step: step), epochs: 15, secondsLeft: 1, best: nil)
            let layout = line.layout(columns: 200, unicode: true)
            return (layout.filled, layout.empty)
        }
        #expect(bar(0) == ("", String(repeating: "─", count: 30)))
        #expect(bar(422) == (String(repeating: "━", count: 30), ""))
        #expect(bar(211).0.count == 15)
    }

    /// The table that README shows, to the letter; on narrow terminals fewer columns of it.
    @Test func theTableOfEpochsIsReadmes() {
        let record = EpochRecord(
            epoch: 1, learningRate: 1.224e-3, trainingLoss: 0.75621, trainingAccuracy: 0.8446, validationLoss: 0.42041,
            validationAccuracy: 0.98033, seconds: 5, imagesPerSecond: 10_144)
        func line(_ columns: Int) -> String {
            EpochLine.text(record, epochs: 15, seconds: 5.2, isBest: true, columns: columns)
        }
        #expect(
            EpochLine.header(columns: .max)
                == "epoch      rate   train loss   acc %   valid loss   acc %   images/s     time")
        #expect(line(80) == " 1/15  1.22e-03       0.7562   84.46       0.4204   98.03     10,144     0:05 *")
        #expect(line(60) == " 1/15       0.7562   84.46       0.4204   98.03     0:05 *")
        for columns in 36...200 {
            #expect(line(columns).count < columns && EpochLine.header(columns: columns).count < columns)
        }
    }

    @Test(arguments: [
        (0.4, "0:00"), (59.6, "1:00"), (3_599, "59:59"), (3_600, "1:00:00"), (.infinity, "-:--"), (.nan, "-:--"),
    ])
    func durations(seconds: Double, expected: String) { #expect(Console.duration(seconds) == expected) }
}
