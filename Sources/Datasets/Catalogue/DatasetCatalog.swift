/// The data sets known by name: files, mirrors, digests, licences, classes.
///
/// Published digests are those that torchvision (MD5) and TensorFlow Datasets (SHA-256) check. The digests of
/// Fashion-MNIST's decompressed files were taken from Debian's `dataset-fashion-mnist`, after its deflate streams,
/// under the headers of the published files (name and time restored), had reproduced the four published SHA-256
/// digests.
package enum DatasetCatalog {
    /// Returns the record of `name`.
    package static func record(_ name: DatasetName) -> DatasetRecord {
        switch name {
        case .mnist: mnist
        case .fashionMnist: fashionMnist
        case .kmnist: kmnist
        case .qmnist: qmnist
        case .emnistBalanced:
            emnist(name, "balanced", "Balanced", classes: digits + capitals + mergedSmall, 112_800, 18_800)
        case .emnistByClass: emnist(name, "byclass", "ByClass", classes: digits + capitals + small, 697_932, 116_323)
        case .emnistByMerge:
            emnist(name, "bymerge", "ByMerge", classes: digits + capitals + mergedSmall, 697_932, 116_323)
        case .emnistDigits: emnist(name, "digits", "Digits", classes: digits, 240_000, 40_000)
        case .emnistLetters: emnist(name, "letters", "Letters", classes: capitals, 124_800, 20_800, firstLabel: 1)
        case .emnistMnist: emnist(name, "mnist", "MNIST", classes: digits, 60_000, 10_000)
        }
    }

    static let digits = (0...9).map { String($0) }
    static let capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".map { String($0) }
    static let small = "abcdefghijklmnopqrstuvwxyz".map { String($0) }
    /// The lower-case letters that EMNIST keeps separate from their capitals.
    static let mergedSmall = "abdefghnqrt".map { String($0) }

    static let mnist = DatasetRecord(
        name: DatasetName.mnist.rawValue, title: "MNIST handwritten digits", classNames: digits, trainCount: 60_000,
        testCount: 10_000, licence: "CC BY-SA 3.0 (Y. LeCun, C. Cortes, C. J. C. Burges)",
        files: [
            .trainImages: DatasetFile(
                name: "train-images-idx3-ubyte",
                sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                publishedSHA256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                publishedMD5: "f68b3c2dcbeaaa9fbdd348bbdeb94873", publishedBytes: 9_912_422),
            .trainLabels: DatasetFile(
                name: "train-labels-idx1-ubyte",
                sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                publishedSHA256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                publishedMD5: "d53e105ee54ea40749a09fcbcd1e9432", publishedBytes: 28_881),
            .testImages: DatasetFile(
                name: "t10k-images-idx3-ubyte",
                sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                publishedSHA256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                publishedMD5: "9fb629c4189551a2d022fa330f9573f3", publishedBytes: 1_648_877),
            .testLabels: DatasetFile(
                name: "t10k-labels-idx1-ubyte",
                sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                publishedSHA256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                publishedMD5: "ec29112dd5afa0611ce80d1b7f02629c", publishedBytes: 4_542),
        ],
        mirrors: [
            "https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ])

    static let fashionMnist = DatasetRecord(
        name: DatasetName.fashionMnist.rawValue, title: "Fashion-MNIST articles of clothing",
        classNames: [
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        ],
        trainCount: 60_000, testCount: 10_000, licence: "MIT (Zalando SE; H. Xiao et al. 2017, arXiv:1708.07747)",
        files: [
            .trainImages: DatasetFile(
                name: "train-images-idx3-ubyte",
                sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                publishedSHA256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                publishedMD5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d", publishedBytes: 26_421_880),
            .trainLabels: DatasetFile(
                name: "train-labels-idx1-ubyte",
                sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                publishedSHA256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                publishedMD5: "25c81989df183df01b3e8a0aad5dffbe", publishedBytes: 29_515),
            .testImages: DatasetFile(
                name: "t10k-images-idx3-ubyte",
                sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                publishedSHA256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                publishedMD5: "bef4ecab320f06d8554ea6380940ec79", publishedBytes: 4_422_102),
            .testLabels: DatasetFile(
                name: "t10k-labels-idx1-ubyte",
                sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                publishedSHA256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                publishedMD5: "bb300cfdad3c16e7a12a480ee83cd310", publishedBytes: 5_148),
        ],
        mirrors: ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"])

    static let kmnist = DatasetRecord(
        name: DatasetName.kmnist.rawValue, title: "Kuzushiji-MNIST cursive Japanese",
        classNames: ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"], trainCount: 60_000,
        testCount: 10_000, licence: "CC BY-SA 4.0 (CODH; T. Clanuwat et al. 2018, arXiv:1812.01718)",
        files: [
            .trainImages: DatasetFile(
                name: "train-images-idx3-ubyte",
                publishedSHA256: "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                publishedMD5: "bdb82020997e1d708af4cf47b453dcf7", publishedBytes: 18_165_135),
            .trainLabels: DatasetFile(
                name: "train-labels-idx1-ubyte",
                publishedSHA256: "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                publishedMD5: "e144d726b3acfaa3e44228e80efcd344", publishedBytes: 29_497),
            .testImages: DatasetFile(
                name: "t10k-images-idx3-ubyte",
                publishedSHA256: "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                publishedMD5: "5c965bf0a639b31b8f53240b1b52f4d7", publishedBytes: 3_041_136),
            .testLabels: DatasetFile(
                name: "t10k-labels-idx1-ubyte",
                publishedSHA256: "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
                publishedMD5: "7320c461ea6c1c855c0b718fb2a4b134", publishedBytes: 5_120),
        ],
        mirrors: ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/", "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"])

    static let qmnist = DatasetRecord(
        name: DatasetName.qmnist.rawValue, title: "QMNIST, MNIST rebuilt with 60,000 test digits",
        classNames: digits, trainCount: 60_000, testCount: 60_000,
        licence: "BSD-3-Clause (C. Yadav, L. Bottou 2019, arXiv:1905.10498)",
        files: [
            .trainImages: DatasetFile(
                name: "qmnist-train-images-idx3-ubyte", publishedMD5: "ed72d4157d28c017586c42bc6afe6370"),
            .trainLabels: DatasetFile(
                name: "qmnist-train-labels-idx2-int", publishedMD5: "0058f8dd561b90ffdd0f734c6a30e5e4"),
            .testImages: DatasetFile(
                name: "qmnist-test-images-idx3-ubyte", publishedMD5: "1394631089c404de565df7b7aeaf9412"),
            .testLabels: DatasetFile(
                name: "qmnist-test-labels-idx2-int", publishedMD5: "5b5b05890a5e13444e108efe57b788aa"),
        ],
        mirrors: ["https://raw.githubusercontent.com/facebookresearch/qmnist/master/"], hasExtendedLabels: true)

    private static func emnist(
        _ name: DatasetName, _ part: String, _ title: String, classes: [String], _ train: Int, _ test: Int,
        firstLabel: Int = 0
    ) -> DatasetRecord {
        DatasetRecord(
            name: name.rawValue, title: "EMNIST \(title)", folder: "emnist", classNames: classes, trainCount: train,
            testCount: test,
            licence: "NIST Special Database 19, US Government work (G. Cohen et al. 2017, arXiv:1702.05373)",
            files: [
                .trainImages: DatasetFile(name: "emnist-\(part)-train-images-idx3-ubyte"),
                .trainLabels: DatasetFile(name: "emnist-\(part)-train-labels-idx1-ubyte"),
                .testImages: DatasetFile(name: "emnist-\(part)-test-images-idx3-ubyte"),
                .testLabels: DatasetFile(name: "emnist-\(part)-test-labels-idx1-ubyte"),
            ],
            archive: DatasetFile(
                name: "gzip.zip",
                publishedSHA256: "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
                publishedMD5: "58c8d27c78d21e728a6bc7b3cc06412e", publishedBytes: 561_753_746),
            archiveFolder: "gzip/", mirrors: ["https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/"],
            isTransposed: true, firstLabel: firstLabel)
    }
}
