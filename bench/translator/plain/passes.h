// SPDX-License-Identifier: MIT
// The plain translator's passes; each throws translator::Fault.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "plain/tree.h"

namespace plain {

struct Token {
    Kind kind;
    uint32_t at;
    std::string text;  // of names, numbers, docs and texts, these without escapes
};

std::vector<Token> tokenise(std::string_view source);

// Takes the tokens' texts.
std::unique_ptr<File> parse(std::vector<Token> tokens);

// Enters a file's module, and then its exports, into the project.
void enter(Project& project, const File& file);

// Finds what every name stands for, and every type.
void resolve(File& file, const Project& project);

std::string emit(const File& file);

}  // namespace plain
