// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// For targets that touch C or raw bytes.
let rawSettings =
  settings + [
    .strictMemorySafety(),
    .enableExperimentalFeature("Lifetimes"),
  ]

let package = Package(
  name: "pth",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "pth", targets: ["pth"]),
    .library(name: "PthCodec", targets: ["PthCodec", "Tensors", "Pickle"]),
    .library(name: "ConvNet", targets: ["ConvNet"]),
  ],
  dependencies: [
    .package(
      url: "https://github.com/apple/swift-argument-parser",
      from: "1.8.2"
    ),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    // Without its traits: their code is for what nothing here does.
    .package(
      url: "https://github.com/apple/swift-protobuf",
      from: "1.39.0",
      traits: []
    ),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: [
    .systemLibrary(
      name: "CZip",
      pkgConfig: "libzip",
      providers: [.apt(["libzip-dev"]), .brew(["libzip"])]
    ),
    .systemLibrary(
      name: "CDeflate",
      pkgConfig: "libdeflate",
      providers: [.apt(["libdeflate-dev"]), .brew(["libdeflate"])]
    ),
    .target(name: "CKernels"),
    .target(name: "CMapped"),
    .target(name: "COneDNN"),
    .target(name: "Pickle", swiftSettings: rawSettings),
    .target(
      name: "Tensors",
      dependencies: [
        "CKernels", "CMapped",
        .product(name: "OrderedCollections", package: "swift-collections"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: rawSettings
    ),
    // Generated code, by scripts/generate-onnx.
    .target(
      name: "ONNXSchema",
      dependencies: [
        .product(name: "SwiftProtobuf", package: "swift-protobuf")
      ],
      exclude: ["onnx.proto"],
      swiftSettings: settings
    ),
    .target(
      name: "PthCodec",
      dependencies: [
        "CDeflate", "CZip", "ONNXSchema", "Pickle", "Tensors",
        .product(name: "OrderedCollections", package: "swift-collections"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: rawSettings
    ),
    .target(
      name: "ConvNet",
      dependencies: [
        "CKernels", "COneDNN", "Tensors",
        .product(name: "OrderedCollections", package: "swift-collections"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: rawSettings
    ),
    .executableTarget(
      name: "pth",
      dependencies: [
        "CKernels", "ConvNet", "Pickle", "PthCodec", "Tensors",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "OrderedCollections", package: "swift-collections"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Sources/Tools",
      swiftSettings: rawSettings
    ),
    .systemLibrary(
      name: "CPython",
      path: "Tests/CPython",
      pkgConfig: "python3-embed",
      providers: [.apt(["libpython3-dev"])]
    ),
    .target(
      name: "TestSupport",
      dependencies: [
        "Tensors",
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      path: "Tests/TestSupport",
      swiftSettings: settings
    ),
    // The documents' code, with the settings of a user's package.
    .executableTarget(
      name: "DocumentationBlocks",
      dependencies: ["ConvNet", "PthCodec", "Tensors"],
      path: "Tests/DocumentationBlocks",
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
    ),
    .testTarget(
      name: "DocumentationTests",
      dependencies: ["DocumentationBlocks", "TestSupport", "pth"],
      swiftSettings: settings
    ),
    .testTarget(
      name: "PickleTests",
      dependencies: ["Pickle", "TestSupport"],
      swiftSettings: settings
    ),
    .testTarget(
      name: "TensorsTests",
      dependencies: [
        "Tensors", "TestSupport",
        .product(name: "OrderedCollections", package: "swift-collections"),
      ],
      swiftSettings: settings
    ),
    .testTarget(
      name: "PthCodecTests",
      dependencies: [
        "Pickle", "PthCodec", "Tensors", "TestSupport",
        .product(name: "OrderedCollections", package: "swift-collections"),
      ],
      swiftSettings: settings
    ),
    .testTarget(
      name: "ConvNetTests",
      dependencies: [
        "CKernels", "ConvNet", "Tensors", "TestSupport",
        .product(name: "OrderedCollections", package: "swift-collections"),
      ],
      swiftSettings: settings
    ),
    .testTarget(
      name: "ToolsTests",
      dependencies: ["pth", "TestSupport"],
      swiftSettings: settings
    ),
    .testTarget(
      name: "CrossValidationTests",
      dependencies: [
        "CPython", "ConvNet", "Pickle", "PthCodec", "Tensors", "TestSupport",
        .product(name: "OrderedCollections", package: "swift-collections"),
      ],
      exclude: ["Python"],
      swiftSettings: settings
    ),
  ]
)
