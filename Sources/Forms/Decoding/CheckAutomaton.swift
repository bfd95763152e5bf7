/// A check as a finite automaton that reads a value character by character, so that the probability of all passing
/// values can be summed without enumerating them.
protocol CheckAutomaton: Sendable {
    /// Returns the initial state for values of `length` characters; nil if no value of that length passes.
    func start(length: Int) -> Int?
    /// Returns the state after `symbol` (the index of a character; for digits, the digit) at `position`; nil if no
    /// continuation can pass.
    func next(_ state: Int, at position: Int, of length: Int, _ symbol: Int) -> Int?
    func accepts(_ state: Int) -> Bool
}

/// A weighted digit sum that must be a multiple of the modulus.
struct DigitSumAutomaton: CheckAutomaton {
    let modulus: Int
    /// The contribution of a digit at an index from the right.
    let value: @Sendable (_ digit: Int, _ index: Int) -> Int

    static let luhn = DigitSumAutomaton(modulus: 10) { digit, index in
        let d = digit * (1 + index % 2)
        return d > 9 ? d - 9 : d
    }

    static func mod11(highest: Int) -> DigitSumAutomaton {
        DigitSumAutomaton(modulus: 11) { digit, index in digit * FieldCheck.weight(index, highest: highest) }
    }

    func start(length: Int) -> Int? { 0 }
    func next(_ state: Int, at position: Int, of length: Int, _ symbol: Int) -> Int? {
        (state + value(symbol, length - 1 - position)) % modulus
    }
    func accepts(_ state: Int) -> Bool { state == 0 }
}

struct RemainderAutomaton: CheckAutomaton {
    let remainder: Int

    func start(length: Int) -> Int? { 0 }
    func next(_ state: Int, at position: Int, of length: Int, _ symbol: Int) -> Int? { (state * 10 + symbol) % 97 }
    func accepts(_ state: Int) -> Bool { state == remainder }
}

/// A number within a range. Bit 0 of the state is set while the prefix equals that of the lower bound, bit 1 while it
/// equals that of the upper bound.
struct RangeAutomaton: CheckAutomaton {
    let range: ClosedRange<Int>

    func start(length: Int) -> Int? {
        // The largest number of `length` digits; leading zeros are allowed.
        var most = 9
        for _ in 1..<min(max(length, 1), 18) { most = most * 10 + 9 }
        guard range.lowerBound <= most else { return nil }
        return range.upperBound > most ? 1 : 3
    }

    func next(_ state: Int, at position: Int, of length: Int, _ symbol: Int) -> Int? {
        var power = 1
        for _ in (position + 1)..<max(length, position + 1) { power &*= 10 }
        var state = state
        if state & 1 != 0 {
            let digit = range.lowerBound / power % 10
            if symbol < digit { return nil }
            if symbol > digit { state -= 1 }
        }
        if state & 2 != 0 {
            let digit = range.upperBound / power % 10
            if symbol > digit { return nil }
            if symbol < digit { state -= 2 }
        }
        return state
    }

    func accepts(_ state: Int) -> Bool { true }
}

/// One of a list of values: the states are the nodes of a trie.
struct ListAutomaton: CheckAutomaton {
    private var children: [[Int: Int]] = [[:]]
    private var ends: Set<Int> = []

    /// - Parameter values: The values, as indices of characters.
    init(_ values: [[Int]]) {
        for value in values {
            var node = 0
            for symbol in value {
                if let child = children[node][symbol] {
                    node = child
                } else {
                    children.append([:])
                    children[node][symbol] = children.count - 1
                    node = children.count - 1
                }
            }
            ends.insert(node)
        }
    }

    func start(length: Int) -> Int? { 0 }
    func next(_ state: Int, at position: Int, of length: Int, _ symbol: Int) -> Int? { children[state][symbol] }
    func accepts(_ state: Int) -> Bool { ends.contains(state) }
}

/// A date: the state is the number read so far.
struct DateAutomaton: CheckAutomaton {
    private let format: DateFormat
    private let letters: [UInt8]

    init(_ format: DateFormat) { (self.format, letters) = (format, Array(format.order.rawValue.utf8)) }

    func start(length: Int) -> Int? { length == format.length ? 0 : nil }

    func next(_ state: Int, at position: Int, of length: Int, _ symbol: Int) -> Int? {
        let next = state * 10 + symbol, letter = letters[position]
        let isLast = position + 1 == length
        if letter != UInt8(ascii: "Y"), isLast || letters[position + 1] != letter {
            guard (1...(letter == UInt8(ascii: "D") ? 31 : 12)).contains(next % 100) else { return nil }
        }
        return isLast && !format.isDay(next) ? nil : next
    }

    func accepts(_ state: Int) -> Bool { true }
}

extension FieldCheck {
    /// Returns the automaton of the check.
    /// - Parameter index: Returns the index of a character among those allowed in the field.
    func automaton(_ index: (Character) -> Int?) -> any CheckAutomaton {
        switch self {
        case .range(let range): RangeAutomaton(range: range)
        case .luhn: DigitSumAutomaton.luhn
        case .mod11(let highest): DigitSumAutomaton.mod11(highest: highest)
        case .mod97(let remainder): RemainderAutomaton(remainder: remainder)
        case .values(let values):
            ListAutomaton(
                values.compactMap { value in
                    let symbols = value.map(index)
                    return symbols.contains(nil) ? nil : symbols.compactMap { $0 }
                })
        }
    }
}
