// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "ConvertCheckpoint",
  platforms: [.macOS(.v15)],
  dependencies: [
    // Yours: .package(url: "<the repository's URL>", from: "1.0.0")
    .package(name: "pth", path: "../..")
  ],
  targets: [
    .executableTarget(
      name: "ConvertCheckpoint",
      dependencies: [
        .product(name: "PthCodec", package: "pth")
      ]
    )
  ]
)
