import Foundation
import Tensors
import Testing

@testable import Forms

/// What passes a check, found by automata, against the checks told plainly and every value listed.
@Suite struct CheckTests {
    private static let digits = Array("0123456789")

    private static func texts(_ length: Int) -> [String] {
        let count = Int(pow(10, Double(length)))
        return (0..<count).map { number in
            let text = String(number)
            return String(repeating: "0", count: length - text.count) + text
        }
    }

    static let checks: [FieldCheck] = [
        .luhn, .mod11(highest: 7), .mod11(highest: 10), .mod11(highest: 2), .mod97(remainder: 1), .mod97(remainder: 0),
        .range(17...305), .range(0...9), .range(999...1204), .range(0...99_999),
        .values(["0", "12", "13", "130", "9999", "0012"]),
    ]

    @Test(arguments: checks) func automataAgreeWithThePlainCheck(_ check: FieldCheck) {
        let automaton = check.automaton { Self.digits.firstIndex(of: $0) }
        for length in 1...4 {
            for text in Self.texts(length) {
                var state = automaton.start(length: length)
                for (position, symbol) in text.compactMap(\.wholeNumberValue).enumerated() {
                    state = state.flatMap { automaton.next($0, at: position, of: length, symbol) }
                }
                let passes = state.map(automaton.accepts) ?? false
                #expect(passes == check.passes(text), "\(check) of \(text)")
            }
        }
    }

    /// Numbers whose check digits other people computed: a card's test number, ISBN-10 0-306-40615-2, an NHS number, an IBAN's
    /// digits.
    @Test func knownNumbersPass() {
        #expect(FieldCheck.luhn.passes("4111111111111111") && !FieldCheck.luhn.passes("4111111111111112"))
        #expect(
            FieldCheck.mod11(highest: 10).passes("0306406152") && FieldCheck.mod11(highest: 10).passes("9434765919"))
        // GB82 WEST 1234 5698 7654 32, letters as numbers and the country behind.
        #expect(FieldCheck.mod97(remainder: 1).passes("3214282912345698765432161182"))
    }

    @Test(arguments: DateFormat.Order.allCases) func daysAreThoseOfTheCalendar(_ order: DateFormat.Order) throws {
        let (first, last) = (try #require(CalendarDay("1996-02-20")), try #require(CalendarDay("2004-03-05")))
        let automaton = DateAutomaton(DateFormat(order: order, first: first, last: last))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        var passing: Set<String> = []
        for offset in 0...3_200 {
            let day = calendar.date(
                byAdding: .day, value: offset,
                to: calendar.date(from: DateComponents(year: 1996, month: 1, day: 1)) ?? Date())
            let c = calendar.dateComponents([.year, .month, .day], from: day ?? Date())
            guard let y = c.year, let m = c.month, let d = c.day else { continue }
            let own = try #require(CalendarDay(year: y, month: m, day: d))
            guard first <= own, own <= last else { continue }
            let parts = [
                "YYYY": String(y), "YY": String(format: "%02d", y % 100), "MM": String(format: "%02d", m),
                "DD": String(format: "%02d", d),
            ]
            passing.insert(
                order.rawValue.replacing("YYYY", with: parts["YYYY"] ?? "").replacing("YY", with: parts["YY"] ?? "")
                    .replacing("MM", with: parts["MM"] ?? "").replacing("DD", with: parts["DD"] ?? ""))
        }
        let length = order.rawValue.count
        let decoder = CheckedDecoder(automata: [automaton])
        // Every text of those digits with the same chance: the share that passes is the number of days.
        let share = decoder.share(length: length, symbols: 10)
        #expect(abs(share * pow(10, Double(length)) - Double(passing.count)) < 1e-6)
        #expect(DateFormat(order: order, first: first, last: last).dayCount == passing.count)
        for text in passing {
            let rows = text.compactMap(\.wholeNumberValue).map { digit in (0..<10).map { $0 == digit ? 1.0 : 0 } }
            #expect(decoder.decode(rows, count: 1).mass == 1, "\(text)")
        }
        #expect(CalendarDay("2100-02-29") == nil && CalendarDay("2000-02-29") != nil && CalendarDay("2001-2-03") == nil)
    }

    private static func lattice(_ length: Int, _ number: UInt32) -> [[Double]] {
        var stream = RandomStream(RandomAddress(seed: 9, purpose: .test, major: number))
        return (0..<length).map { _ in
            let weights = (0..<10).map { _ in pow(Double(stream.nextWord()) / Double(UInt32.max), 6) }
            let total = weights.reduce(0, +)
            return weights.map { $0 / total }
        }
    }

    @Test(arguments: checks) func decodingSumsAndRanksAllThatPasses(_ check: FieldCheck) {
        let decoder = CheckedDecoder(automata: [check.automaton { Self.digits.firstIndex(of: $0) }])
        for (number, length) in [(UInt32(1), 3), (2, 4), (3, 4)] {
            let rows = Self.lattice(length, number)
            func p(_ text: String) -> Double {
                zip(rows, text.compactMap(\.wholeNumberValue)).reduce(1) { $0 * $1.0[$1.1] }
            }
            let passing = Self.texts(length).filter(check.passes).map { ($0, p($0)) }.sorted { $0.1 > $1.1 }
            let result = decoder.decode(rows, count: 4)
            #expect(abs(result.mass - passing.reduce(0) { $0 + $1.1 }) < 1e-8)
            for (value, expected) in zip(result.values, passing) {
                #expect(abs(value.probability - expected.1) < 1e-12)
                #expect(value.symbols.map(String.init).joined() == expected.0)
            }
            #expect(result.values.count == min(4, passing.count { $0.1 > 1e-10 }))
        }
    }

    @Test func aCheckRepairsWhatInkLeavesOpenAndBelievesNoCoincidence() throws {
        let field = CharacterField(
            kind: .boxes, box: PageBox(x: 0, y: 0, width: 1, height: 1), cells: [], length: 4...4, characters: nil,
            date: nil)
        let decoder = FieldDecoder(field, checks: [.luhn], characters: Self.digits)
        func rows(_ certain: String, _ doubted: [Int: (Int, Double)]) -> FieldEvidence {
            let rows = certain.compactMap(\.wholeNumberValue).enumerated().map { index, digit in
                (0..<10).map { d -> Double in
                    guard let (other, p) = doubted[index] else { return d == digit ? 1 : 0 }
                    return d == digit ? 1 - p : d == other ? p : 0
                }
            }
            return FieldEvidence(lattices: [.init(weight: 1, rows: rows)])
        }
        // 1230 passes Luhn's check (0 + 6 + 2 + 2 = 10); the ink says 1238, and 0 with a fifth of the chance.
        #expect(FieldCheck.luhn.passes("1230") && !FieldCheck.luhn.passes("1238"))
        #expect(decoder.passes("1230") && !decoder.passes("1238") && !decoder.passes("12a0"))
        let repaired = try #require(decoder.values(rows("1238", [3: (0, 0.2)]), count: 1).first)
        #expect(repaired.text == "1230" && repaired.probability > 0.98)
        // Ink that is sure of what fails is not overruled.
        let doubted = try #require(decoder.values(rows("1238", [:]), count: 1).first)
        #expect(doubted.probability < 0.5)
    }

    @Test func sumsAreReadTogether() throws {
        // Every pair of values and every total, listed.
        let a = [
            FieldValue(text: "120", probability: 0.7), FieldValue(text: "170", probability: 0.25),
            FieldValue(text: "190", probability: 0.05),
        ]
        let b = [FieldValue(text: "005", probability: 0.6), FieldValue(text: "006", probability: 0.4)]
        let total = [125: 0.1, 126: 0.05, 175: 0.6, 176: 0.2, 999: 0.05]
        let result = try #require(
            SumDecoder.decode([a, b]) { sum in total[sum].map { [FieldValue(text: "\(sum)", probability: $0)] } ?? [] })
        var joint: [(String, String, Double)] = []
        for x in a {
            for y in b {
                let sum = (Int(x.text) ?? 0) + (Int(y.text) ?? 0)
                joint.append((x.text, y.text, x.probability * y.probability * (total[sum] ?? 0)))
            }
        }
        let passing = joint.reduce(0) { $0 + $1.2 }
        let whole = passing + FieldDecoder.odds(share: 0.01) * (1 - passing)
        for (index, values) in result.parts.enumerated() {
            for value in values {
                let expected = joint.filter { (index == 0 ? $0.0 : $0.1) == value.text }.reduce(0) { $0 + $1.2 } / whole
                #expect(abs(value.probability - expected) < 1e-9)
            }
        }
        #expect(result.parts[0].first?.text == "170" && result.total.first?.text == "175")
        #expect(SumDecoder.decode([a, b]) { _ in [] } == nil)
    }
}
