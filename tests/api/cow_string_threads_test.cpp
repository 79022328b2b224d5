#include <gtest/gtest.h>
#include "tarn/batch.hpp"
