# trace: words for people. One id, one meaning; the same ids in every language.

## The filter language

filter-unknown-field = “{ $term }”: there is no such field. Fields are { $known }; put the whole in quotes to search for it as text.
filter-no-value = “{ $term }” says nothing to look for. Write a value, as in key:alpha, or a word.
filter-wrong-status = “{ $term }” has no such status. Write status:429, status:4xx or status:429,5xx.
filter-wrong-ending = “{ $term }” has no such ending. Endings are { $known }.
filter-wrong-span = “{ $term }” is no span of time. Write >800ms, >=1s, <2s or <=1.5m, without a blank.
filter-open-quote = “{ $term }” has a quote without its end. Close it with ".

## The command

trace-about = Requests from the trace: chosen, shown, followed, summed up
trace-follow = Go on with new requests until stopped
trace-window = How many, counted back from the newest; 200 when not said, all for a summary
trace-key = Only those that this key answered
trace-status = Only these, as 429, 4xx or 429,5xx
trace-since = Only those since then: 10m, 1h, 2d, 15:30, 2026-11-23, "2026-11-23 15:30" or with a zone
trace-grep = Only those with this text
trace-filter = Only those that a filter means; as FILTER at the end
trace-json = One JSON object a line; with --summary, one object
trace-csv = CSV for spreadsheets
trace-summary = Sums and percentiles instead of the requests
trace-terms = key: tried: status: method: path: model: client: hint: error: id: cause: ending: >800ms text; -term for all but those
trace-wrong-since = “{ $value }” is no moment. Write 10m, 1h, 2d, 15:30, 2026-11-23, "2026-11-23 15:30" or 2026-11-23T15:30:00Z.
trace-none = No such request in the trace.
trace-missing = There is no trace yet: { $path }. It begins with the first request.
trace-more = These are the newest { $count }; --window N shows more.
trace-not-written = The output can't be written: { $error }.

## The summary

trace-sum-failed = { $count }, { $failed } of them failed
trace-sum-span = { $from } – { $until }
trace-sum-confidence = Evenness
trace-sum-causes = What went wrong
trace-sum-share = share
trace-sum-no-key = (no key)
trace-sum-day = day
trace-sum-max = max
