// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "Benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "pth", path: ".."),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
  ],
  targets: [
    .executableTarget(
      name: "bench-convert",
      dependencies: [.product(name: "PthCodec", package: "pth")],
      swiftSettings: settings
    ),
    .executableTarget(
      name: "bench-train",
      dependencies: [.product(name: "ConvNet", package: "pth")],
      swiftSettings: settings
    ),
    .executableTarget(
      name: "bench-codec",
      dependencies: [
        .product(name: "OrderedCollections", package: "swift-collections"),
        .product(name: "PthCodec", package: "pth"),
      ],
      swiftSettings: settings + [.strictMemorySafety()]
    ),
  ]
)
