// The version of the library that a program was compiled with, as text and for #if.
// Written by scripts/version.py.
#pragma once

#define VELARIA_VERSION_MAJOR 0
#define VELARIA_VERSION_MINOR 1
#define VELARIA_VERSION_PATCH 0
#define VELARIA_VERSION "0.1.0"
