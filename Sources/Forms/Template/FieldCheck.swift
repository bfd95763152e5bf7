import Formats

/// A validity check of a value, beyond its length and its characters.
package enum FieldCheck: Hashable, Sendable {
    /// The value is a number within the range.
    case range(ClosedRange<Int>)
    /// The Luhn checksum: the sum of the digits, with every second digit from the right replaced by the digit sum of
    /// its double, is a multiple of 10 (ISO/IEC 7812-1).
    case luhn
    /// `Σ wᵢ·dᵢ ≡ 0 (mod 11)` with the weights 1, 2, 3 … highest, 2, 3 … from the right (highest is 10 for ISBN-10 and
    /// NHS numbers).
    case mod11(highest: Int)
    /// The number has this remainder modulo 97 (ISO/IEC 7064: 1).
    case mod97(remainder: Int)
    /// The value is one of these.
    case values([String])

    package var name: String {
        switch self {
        case .range: "range"
        case .luhn: "luhn"
        case .mod11: "mod11"
        case .mod97: "mod97"
        case .values: "values"
        }
    }

    /// Whether the check applies to digits only.
    var isNumeric: Bool {
        if case .values = self { false } else { true }
    }

    /// Returns whether `value` passes the check: the direct counterpart of the automata used for decoding.
    package func passes(_ value: String) -> Bool {
        let digits = value.compactMap(\.wholeNumberValue)
        guard !isNumeric || (digits.count == value.count && !digits.isEmpty) else { return false }
        let reversed = Array(digits.reversed())
        switch self {
        case .range(let range): return Int(value).map(range.contains) ?? false
        case .luhn:
            return reversed.enumerated().reduce(0) { sum, digit in
                let d = digit.element * (1 + digit.offset % 2)
                return sum + (d > 9 ? d - 9 : d)
            } % 10 == 0
        case .mod11(let highest):
            return reversed.enumerated().reduce(0) { $0 + Self.weight($1.offset, highest: highest) * $1.element } % 11
                == 0
        case .mod97(let remainder): return digits.reduce(0) { ($0 * 10 + $1) % 97 } == remainder
        case .values(let values): return values.contains(value)
        }
    }

    /// Returns the mod-11 weight of the digit at `index` from the right.
    static func weight(_ index: Int, highest: Int) -> Int { index == 0 ? 1 : 2 + (index - 1) % (highest - 1) }
}

/// A date of eight or six digits within a range of days.
package struct DateFormat: Hashable, Sendable {
    package enum Order: String, Hashable, Sendable, CaseIterable {
        case dayMonthYear = "DDMMYYYY"
        case monthDayYear = "MMDDYYYY"
        case yearMonthDay = "YYYYMMDD"
        case shortDayMonthYear = "DDMMYY"
        case shortMonthDayYear = "MMDDYY"
        case shortYearMonthDay = "YYMMDD"
    }

    package var order: Order
    package var first: CalendarDay
    package var last: CalendarDay

    package var length: Int { order.rawValue.utf8.count }

    /// The number of days from the first to the last, inclusive.
    package var dayCount: Int { last.number - first.number + 1 }

    /// Returns whether the digits of `number`, with leading zeros, are a day within the range.
    package func isDay(_ number: Int) -> Bool {
        var (year, month, day, rest) = (0, 0, 0, number)
        // From the right, with a power of ten per letter.
        var (years, months, days) = (1, 1, 1)
        for letter in order.rawValue.utf8.reversed() {
            let digit = rest % 10
            rest /= 10
            switch letter {
            case UInt8(ascii: "Y"): (year, years) = (year + digit * years, years * 10)
            case UInt8(ascii: "M"): (month, months) = (month + digit * months, months * 10)
            default: (day, days) = (day + digit * days, days * 10)
            }
        }
        return self.day(year: year, month: month, day: day) != nil
    }

    /// Returns the day of these numbers, with a two-digit year if the format has one; nil outside the range.
    private func day(year: Int, month: Int, day: Int) -> CalendarDay? {
        // A two-digit year belongs to the first century in which the day is within the range.
        let years = length == 8 ? [year] : (first.year / 100...last.year / 100).map { $0 * 100 + year }
        return years.lazy.compactMap { CalendarDay(year: $0, month: month, day: day) }
            .first { first <= $0 && $0 <= last }
    }
}

/// A day of the Gregorian calendar.
package struct CalendarDay: Hashable, Sendable, Comparable {
    package let year: Int
    package let month: Int
    package let day: Int

    /// Creates a day; nil if there is no such day.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month) else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...days[month - 1]).contains(day) else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// Parses a day such as `2026-11-29`.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard text.utf8.count == 10, parts.count == 3, let y = parts[0], let m = parts[1], let d = parts[2] else {
            return nil
        }
        self.init(year: y, month: m, day: d)
    }

    /// The number of days since the last day of February of year 0; years are counted from March.
    var number: Int {
        let y = month > 2 ? year : year - 1, m = (month + 9) % 12
        return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day
    }

    package var text: String {
        [Text.padded(year, 4), Text.padded(month, 2), Text.padded(day, 2)].joined(separator: "-")
    }

    package static func < (a: CalendarDay, b: CalendarDay) -> Bool {
        (a.year, a.month, a.day) < (b.year, b.month, b.day)
    }
}
