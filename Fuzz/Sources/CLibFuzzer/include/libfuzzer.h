#pragma once
#include <stddef.h>
#include <stdint.h>

/// libFuzzer's entry point for programs that have a main of their own.
int LLVMFuzzerRunDriver(
    int *_Nonnull argc, char *_Nullable *_Nullable *_Nonnull argv,
    int (*_Nonnull callback)(const uint8_t *_Nullable data, size_t size));
