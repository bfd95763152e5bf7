/// Pages put together to forms: a form begins with the first page of the template, and those after it belong to it as long as their
/// numbers grow.
struct FormAssembly {
    struct Form {
        /// By page; nil where it is missing.
        var pages: [PageRecord?]

        var files: [String] { pages.compactMap { $0?.file } }
    }

    private let pageCount: Int
    private var open: [PageRecord?]?

    init(_ template: FormTemplate) { pageCount = template.pages.count }

    /// - Returns: The form that `page` shows to be complete, where it does.
    mutating func add(_ page: PageRecord) -> Form? {
        // A sheet of one page is a form whether its page was found or not.
        if pageCount == 1 { return Form(pages: [page]) }
        guard let number = page.page else { return nil }
        let last = open?.lastIndex { $0 != nil }
        if let last, number > last, var pages = open {
            pages[number] = page
            open = pages
            return nil
        }
        let done = end()
        var pages = [PageRecord?](repeating: nil, count: pageCount)
        pages[number] = page
        open = pages
        return done
    }

    /// The last form.
    mutating func end() -> Form? {
        defer { open = nil }
        return open.map { Form(pages: $0) }
    }
}
