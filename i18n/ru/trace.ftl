# trace: words for people. One id, one meaning; the same ids in every language.

## The filter language

filter-unknown-field = «{ $term }»: такого поля нет. Поля: { $known }; чтобы искать это как текст, возьмите всё в кавычки.
filter-no-value = «{ $term }»: не сказано, что искать. Напишите значение, например key:alpha, или слово.
filter-wrong-status = «{ $term }»: такого статуса нет. Напишите status:429, status:4xx или status:429,5xx.
filter-wrong-ending = «{ $term }»: такого завершения нет. Бывают { $known }.
filter-wrong-span = «{ $term }» — не промежуток времени. Пишите без пробела: >800ms, >=1s, <2s или <=1.5m.
filter-open-quote = «{ $term }»: кавычка не закрыта. Поставьте вторую ".

## The command

trace-about = Запросы из трассы: отобрать, показать, следить, подвести итог
trace-follow = Показывать новые запросы, пока не остановят
trace-window = Сколько, считая от новых; без этого 200, для итога — все
trace-key = Только те, на которые ответил этот ключ
trace-status = Только такие: 429, 4xx или 429,5xx
trace-since = Только начиная с: 10m, 1h, 2d, 15:30, 2026-11-23, "2026-11-23 15:30" или с зоной
trace-grep = Только с этим текстом
trace-filter = Только подходящие под фильтр; то же, что FILTER в конце
trace-json = По объекту JSON в строке; с --summary — один объект
trace-csv = CSV для таблиц
trace-summary = Итоги и перцентили вместо самих запросов
trace-terms = key: tried: status: method: path: model: client: hint: error: id: cause: ending: >800ms текст; -условие — всё, кроме
trace-wrong-since = «{ $value }» — не момент времени. Пишите 10m, 1h, 2d, 15:30, 2026-11-23, "2026-11-23 15:30" или 2026-11-23T15:30:00Z.
trace-none = Таких запросов в трассе нет.
trace-missing = Трассы ещё нет: { $path }. Она начнётся с первого запроса.
trace-more = Показаны последние { $count }; больше — с --window N.
trace-not-written = Вывод не удаётся записать: { $error }.

## The summary

trace-sum-failed = { $count }, из них с ошибкой { $failed }
trace-sum-span = { $from } – { $until }
trace-sum-confidence = Равномерность
trace-sum-causes = Что было не так
trace-sum-share = доля
trace-sum-no-key = (без ключа)
trace-sum-day = день
trace-sum-max = макс.
