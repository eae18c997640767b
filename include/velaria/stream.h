// Streams: frames, queries, their progress, and the sources and sinks that come with Velaria.
#pragma once

#include "stream/connectors/arrow_stream_source.h"
#include "stream/connectors/callback_sink.h"
#include "stream/connectors/console_sink.h"
#include "stream/connectors/csv_file_sink.h"
#include "stream/connectors/file_directory_source.h"
#include "stream/connectors/file_tail_source.h"
#include "stream/connectors/memory_sink.h"
#include "stream/connectors/rate_source.h"
#include "stream/connectors/realtime_stream_sink.h"
#include "stream/connectors/realtime_stream_source.h"
#include "stream/connectors/stream_file_format.h"
#include "stream/plugin_library.h"
#include "stream/progress.h"
#include "stream/source_sink_adapters.h"
#include "stream/streaming_data_frame.h"
#include "stream/streaming_query.h"
