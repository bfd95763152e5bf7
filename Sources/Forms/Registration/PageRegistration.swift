import Foundation
import Pictures

/// Where a page of a form is in a picture.
package struct RegisteredPage: Sendable {
    /// Which of the template's.
    package var page: Int
    /// From the page to the picture.
    package var map: Homography
    /// Share of the page's lines and marks that are where the map has them.
    package var agreement: Double
    /// Of what agrees, root mean square, pixels of the picture.
    package var error: Double
}

/// Why a picture is none of the template's pages, for people.
package struct RegistrationFailure: Error, Hashable, Sendable {
    package var reason: String
}

/// Finds the pages of a form in pictures of them: turned by up to 10° from any of the four quarters, scaled, in perspective,
/// with margins cut.
///
/// Lines that are parallel on paper meet in the picture where they vanish: from there it is made upright, but for scale
/// and place. Each axis is then searched alone, lines of the page voting with lines that are seen; and marks give guesses of their
/// own. The best are refined to a projective map by least squares over all lines and marks. A page is found where most of its
/// lines are seen, and no other page or turn fits nearly as well: else the picture is refused, for a person to look at.
struct PageRegistration {
    private let template: FormTemplate
    private let plans: [FormPagePlan]

    /// Guesses that are scored, and of these those that are refined.
    private static let (mostGuesses, mostRefined) = (400, 4)
    /// Share of the page's lines and marks.
    private static let leastAgreement = 0.6
    /// Of the page's lines and marks, in the picture.
    private static let leastInside = 0.5
    /// The score of another page or turn, of the best one's.
    private static let mostAmbiguous = 0.9
    /// Pixels of the reduced picture.
    private static let mostError = 1.2

    init(_ template: FormTemplate) {
        self.template = template
        plans = template.pages.map { FormPagePlan($0) }
    }

    private struct Candidate {
        var page: Int
        var turn: Int
        var map: Homography
        var error: Double
        var score: PageFit.Score
    }

    /// - Throws: ``RegistrationFailure``.
    func find(in image: GreyImage) throws(RegistrationFailure) -> (RegisteredPage, PageFit) {
        let observed = ObservedPage(image, withMarks: plans.contains { !$0.marks.isEmpty })
        let fits = plans.map { PageFit($0, observed) }
        let searches = plans.map { RegistrationSearch(plan: $0, observed: observed) }
        func guess(_ turns: [Int]) -> [Candidate] {
            fits.indices.flatMap { candidates($0, fits[$0], searches[$0].fromLines(turns: turns), isWide: false) }
        }
        var found =
            fits.indices.flatMap { candidates($0, fits[$0], searches[$0].fromMarks(), isWide: false) } + guess([0, 2])
        // A page that is higher than wide hardly fits a picture of it that lies on its side.
        let isSquare = plans.contains { RegistrationSearch.aspects.contains($0.size.x / $0.size.y) }
        if isSquare || !found.contains(where: isFound) { found += guess([1, 3]) }
        if !found.contains(where: isFound) {
            // Three marks say nothing of perspective, by which lines then miss.
            found += fits.indices.flatMap { candidates($0, fits[$0], searches[$0].fromMarks(), isWide: true) }
        }
        found.sort { $0.score.value > $1.score.value }
        guard let best = found.first else {
            throw RegistrationFailure(reason: "no lines or marks of a form are seen")
        }
        guard isFound(best) else {
            throw RegistrationFailure(
                reason: "the form was not found: \(Int(100 * best.score.recall)) % of its lines and marks, at best")
        }
        let rival = found.first { $0.page != best.page || $0.turn != best.turn }
        if let rival, rival.score.value > Self.mostAmbiguous * best.score.value {
            throw RegistrationFailure(
                reason: rival.page != best.page
                    ? "it may be page \(best.page + 1) or \(rival.page + 1)" : "it may be either way up")
        }
        let zoom = Double(observed.reduction)
        let map = Homography(scale: Point(zoom, zoom), offset: .zero).after(best.map)
        return (
            RegisteredPage(
                page: best.page, map: map, agreement: best.score.recall, error: best.error * zoom), fits[best.page]
        )
    }

    private func isFound(_ candidate: Candidate) -> Bool {
        candidate.score.inside >= Self.leastInside && candidate.score.recall >= Self.leastAgreement
            && candidate.error <= Self.mostError
    }

    /// The most promising of some guesses, refined.
    private func candidates(_ page: Int, _ fit: PageFit, _ maps: [Homography], isWide: Bool) -> [Candidate] {
        let guesses = maps.prefix(Self.mostGuesses).map { ($0, isWide ? 0 : fit.score($0, isFine: false).value) }
            .enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }.map(\.element.0)
        return (0..<4).flatMap { turn in
            guesses.filter { Self.turn(of: $0, plans[page]) == turn }.prefix(Self.mostRefined).map { map in
                let (refined, error) = fit.refined(map, isWide: isWide)
                return Candidate(
                    page: page, turn: turn, map: refined, error: error, score: fit.score(refined, isFine: true))
            }
        }
    }

    /// Quarters by which `map` turns the page.
    private static func turn(of map: Homography, _ plan: FormPagePlan) -> Int {
        let step = map.steps(at: plan.size / 2).x
        if abs(step.x) >= abs(step.y) { return step.x > 0 ? 0 : 2 }
        return step.y > 0 ? 1 : 3
    }
}
