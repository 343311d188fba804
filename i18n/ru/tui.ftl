# tui: words for people. One id, one meaning; the same ids in every language.

number-decimal = ,
number-group = {"\u00A0"}

# С понедельника.
weekdays = пн вт ср чт пт сб вс

## Short spans, for columns

short-hours = { $large }ч{ $small }м
short-days = { $large }д{ $small }ч
age-seconds = { $value }с
age-minutes = { $value }м
age-hours = { $value }ч
age-days = { $value }д
took-milliseconds = { $value }мс
took-seconds = { $value }с

## Panes

pane-keys = Ключи
pane-quota = Квоты
pane-trace = Запросы
pane-limits = Лимиты
pane-doctor = Проверки

## Header

mode-live = работает
mode-dry-run = имитация
mode-attached = подключено к pid { $pid }
mode-lost = связь потеряна, новые попытки
mode-demo = демо
header-no-active = нет активного ключа
header-auto-on = авторотация вкл.
header-auto-off = авторотация выкл.
header-rate = { $value } запр./с
header-errors = ошибки { $value }
header-held = { $count ->
    [one] { $count } ждёт ключ
    [few] { $count } ждут ключ
    [many] { $count } ждут ключ
   *[other] { $count } ждут ключ
}
header-in-flight = { $count } в работе

## Statuses and reasons

status-healthy = в норме
status-warn = внимание
status-exhausted = остывает
status-blocked = заблокирован
status-disabled = отключён

skip-disabled = отключён в файле
skip-blocked = заблокирован вручную
skip-own-rate = свой лимит частоты
skip-usage-unknown = квота не проверена
skip-slow-start = плавный старт
skip-circuit-open = хост недоступен
skip-tried = только что опробован

chosen-active = активный ключ
chosen-in-its-place = активный ключ не годен
chosen-strategy = его очередь
chosen-bound = за ним этот диалог или файл
chosen-last-resort = последнее средство: отчёт противоречит отказу
chosen-again = тот же ключ ещё раз
chosen-asked = вы отдали запрос ему

common-client-identity = клиент не принимается
common-address = ограничен сетевой адрес
common-request = сам запрос
common-upstream-busy = сервис перегружен
common-upstream = сервис или сеть

cause-ok = успешно
cause-unauthorized = ключ отвергнут
cause-forbidden = доступ запрещён
cause-client-not-allowed = клиент не разрешён
cause-flagged = аккаунт отмечен
cause-payment = баланс исчерпан
cause-rate-limited = слишком часто
cause-concurrency = слишком много сразу
cause-overloaded = перегрузка
cause-quota = квота исчерпана
cause-quota-five-hours = 5-часовой лимит
cause-quota-week = недельный лимит
cause-quota-month = месячный лимит
cause-model-refused = модели нет в тарифе
cause-not-found = не найдено
cause-bad-request = неверный запрос
cause-too-large = запрос слишком велик
cause-server-error = ошибка сервера
cause-upstream-error = ошибка апстрима
cause-connect = нет соединения
cause-broken = ответ испорчен
cause-timeout = время вышло
cause-sent-elsewhere = отдан другому ключу
cause-stream-cut = поток оборван
cause-error-event = ошибка в потоке
cause-client-gone = клиент отключился
cause-cancelled = вы прервали
cause-no-key = нет свободного ключа
cause-status = статус { $status }

## Columns

column-status = состояние
column-key = ключ
column-masked = секрет
column-left = ост.
column-in-flight = идёт
column-requests = запр.
column-errors = ош%
column-email = аккаунт
column-last-used = был
column-why = примечание
column-back = через
column-time = время
column-method = метод
column-endpoint = путь
column-answer = ответ
column-took = длит.
column-first-byte = старт
column-tries = поп.
column-tokens-in = вход
column-tokens-cached = из кэша
column-tokens-out = выход
column-tokens = токены
column-hint = промпт
column-limit = частота
column-per-second = /с
column-per-minute = /мин
column-served = отв.

## Keys

keys-ready = готовы { $ready } из { $all }
keys-empty = Ключей пока нет. Откуда их взять:
keys-empty-where = Или положите по файлу на ключ (alpha.env с KMI_API_KEY=sk-…) в папку
keys-empty-then = Файл будет замечен сразу.
note-usage-failed = квота не проверена
note-shares = общая квота с { $label }

## Quota

quota-empty = Квоты появятся здесь вместе с ключами.
quota-checked = проверены { $age } назад
quota-unknown = ещё не проверялась
quota-failed = сбой проверки { $age } назад: { $fault }
quota-failed-short = нет данных: { $fault }
quota-no-windows = лимиты не указаны
window-five-hours = 5 ч
window-week = неделя
window-month = месяц
window-month-code = код

## Trace

trace-following = в реальном времени
trace-paused = пауза
trace-paused-new = пауза, новых: { $count }
trace-meant = { $shown } из { $all }
trace-none-meant = Под фильтр не подходит ни один запрос.
filter-hint = key:alpha status:4xx >800ms -path:/models текст
trace-missed = не показано: { $count }
trace-empty = Запросов пока нет. Направьте клиента сюда:
trace-empty-openai = OpenAI SDK, kimi-cli, opencode
trace-empty-anthropic = Claude Code, Anthropic SDK
trace-empty-key = Ключ API подойдёт любой: прокси подставит нужный.

## Limits

limits-all = все ключи
limits-confidence = равномерность { $percent }% ({ $count ->
    [one] { $count } запрос
    [few] { $count } запроса
    [many] { $count } запросов
   *[other] { $count } запроса
})
limits-confidence-unknown = равномерность: при авторотации
limits-confidence-none = равномерность: пока нечего сказать
limits-dropped = { $count ->
    [one] потеряна { $count } запись журнала
    [few] потеряны { $count } записи журнала
    [many] потеряно { $count } записей журнала
   *[other] потеряно { $count } записи журнала
}
limits-unwritten = { $count ->
    [one] журнал запросов не пишется: ждёт { $count } запись
    [few] журнал запросов не пишется: ждут { $count } записи
    [many] журнал запросов не пишется: ждут { $count } записей
   *[other] журнал запросов не пишется: ждут { $count } записи
}
limits-log-dropped = { $count ->
    [one] потеряна { $count } строка журнала программы
    [few] потеряны { $count } строки журнала программы
    [many] потеряно { $count } строк журнала программы
   *[other] потеряно { $count } строки журнала программы
}
limits-shared-cause = все ключи: { $cause } ({ $common })
limits-host-open = { $host } недоступен, попытка через { $left }
limits-host-half-open = { $host } проверяется
limits-host-failures = { $host } (сбоев подряд: { $count })
limits-nothing-lost = записи целы
limits-queue = очередь: { $count }, первый ждёт { $waited } из { $most }
limits-queue-empty = очередь пуста
limits-unsaved = { $count ->
    [one] { $count } сбой сохранения
    [few] { $count } сбоя сохранения
    [many] { $count } сбоев сохранения
   *[other] { $count } сбоя сохранения
}

## Doctor

doctor-empty = Проверок ещё не было. Нажмите d.
doctor-fine = всё хорошо
doctor-problems = { $count ->
    [one] { $count } проблема
    [few] { $count } проблемы
    [many] { $count } проблем
   *[other] { $count } проблемы
}

## Настройки

tokens-none = Токены ещё не считались.
tokens-all-days = за все дни
tokens-today = сегодня
settings-title = Настройки
settings-name = настройка
settings-value = значение
settings-source = откуда
settings-change = изменение
settings-default = по умолчанию
settings-environment = окружение
settings-live = сразу
settings-restart = перезапуск
settings-waits = ждёт перезапуска
settings-demo = У демо свои настройки, ваши не читаются.
settings-untold = Этот экземпляр старее и о настройках не сообщает.

## Actions: a word for the footer, a line for the help

do-rotate = сменить
help-rotate = перейти на лучший ключ
do-rotate-to = на этот
help-rotate-to = перейти на выбранный ключ
do-auto = авто
help-auto = включить или выключить авторотацию
do-block = блок
help-block = заблокировать выбранный ключ: на сколько и почему
do-unblock = снять
help-unblock = разблокировать выбранный ключ
do-health = сверить
help-health = проверить состояние и квоты сейчас
do-add = добавить
help-add = добавить ключ: метка и сам ключ вслепую
do-import = импорт
help-import = скопировать ключи из kimi-cli, kimi-code или прежней kmi
do-demo = демо
help-demo = запустить демо: ключи и запросы для примера, без сети
do-switch = вкл/выкл
help-switch = вывести выбранный ключ из работы или вернуть его
do-fix = исправить
help-fix = исправить выбранную находку силами программы
do-confirm = да
do-doctor = проверить
help-doctor = запустить проверки
do-pause = пауза
help-pause = остановить ленту запросов или следить дальше
do-filter = фильтр
help-filter = отобрать запросы: key:alpha status:4xx >800ms текст
do-keep-filter = оставить
do-clear-filter = сбросить
do-jump = найти
help-jump = запросы ключа или ключ запроса
do-sort = порядок
help-sort = порядок: остаток, запросы, ошибки, последний запрос
do-copy = копия
help-copy = скопировать имя ключа или id запроса
do-copy-row = строка
help-copy-row = скопировать запрос одной строкой
do-copy-curl = как curl
help-copy-curl = скопировать запрос как команду curl
do-details = детали
help-details = всё о выбранной строке
do-zoom = крупно
help-zoom = выбранная панель на весь экран
do-language = English
help-language = сменить язык
do-keep-screen = снимок
help-keep-screen = сохранить экран в SVG, ANSI и текст
do-theme = тема
help-theme = следующая цветовая тема
do-mouse = мышь
help-mouse = включить или выключить мышь: щелчок выбирает, ещё один открывает детали, колесо листает
mouse-on = Мышь включена. Чтобы выделить текст, держите Shift или выключите её (m).
mouse-off = Мышь выключена.
do-tokens = токены
do-settings = настройки
help-tokens = токены по дням, ключам и моделям
help-settings = все настройки: значение и откуда оно
do-help = справка
help-help = эта справка
do-quit = выход
help-quit = выйти
do-background = в фон
help-background = выйти, оставив прокси работать в фоне
do-next-pane = дальше
do-previous-pane = назад
help-next-pane = следующая или предыдущая панель
help-focus = перейти к панели
help-up-down = переместиться
help-page = переместиться на страницу
help-ends = к первой или последней строке
do-close = закрыть
help-close = закрыть открытое
do-next-field = следующее поле
do-submit = блок
do-wait = ждать
do-stop-now = прервать
key-space = Пробел

## Why not

why-no-keys = Ключей пока нет.
why-disabled = Ключ { $label } отключён в своём файле.
why-blocked = Ключ { $label } заблокирован. Сначала снимите блок (u).
why-active-already = Ключ { $label } уже активен.
why-auto-rotate = Авторотация не разрешена. Убедитесь, что условия провайдера допускают несколько ключей, и задайте { $setting }.
why-not-blocked = Ключ { $label } не заблокирован.
why-nothing-to-copy = Здесь нечего копировать.
why-files-demo = Ключи демонстрации не ваши, менять их нельзя. Запустите программу без --demo.
why-no-demo = Здесь уже есть на что посмотреть. Запустите kmi-tui --demo в другом терминале.
why-no-fix = Сама программа это исправить не может; в находке сказано, что делать.
why-no-request = Сначала выберите запрос на панели запросов (3).
why-not-sorted = Порядок меняется только на панели ключей. Сначала перейдите туда (1).
why-no-key-tried = Для этого запроса не пробовали ни одного ключа.
why-key-gone = Ключа { $label } больше нет.
why-nothing-selected = Здесь пока нечего показать.
why-background-attached = Прокси уже работает в фоне: выход (q) его не остановит.
why-background-demo = Демо живёт только в этом окне.

## Copied

copied-label = Скопировано: { $label }
copied-request-id = Скопирован id запроса: { $id }
copied-row = Запрос скопирован одной строкой.
copied-curl = Скопировано как curl, вместо ключа $KMI_KEY: { $method } { $path }

## Help, dialogs and details

help-title = Справка
help-keys = Ключи
help-view = Вид
help-move = Перемещение
foot-reading = Esc закрыть
foot-dialog = Enter заблокировать  Tab поле  Esc отмена
foot-leaving = Enter прервать  w ждать  b в фон  Esc остаться
foot-waiting = Enter прервать  Esc остаться

block-title = Блокировка ключа { $label }
block-span = На сколько
block-reason = Почему
block-hint = 30м, 1ч, 2д; пусто: до ручного снятия
block-fault-span = «{ $typed }» — не срок. Напишите 30м, 1ч, 2д или 1ч30м.
block-fault-zero = Это нулевой срок.
block-fault-long = Слишком долго. Оставьте пустым, чтобы блокировать до ручного снятия.

new-key-title = Новый ключ
new-key-label = Метка
new-key-secret = Ключ
new-key-hint = Метка станет именем файла: латинские буквы, цифры, «.», «_» и «-». Ключ на экране не виден. Прежде чем что-то записать, о нём спросят у апстрима.
new-key-waiting = Спрашиваем о ключе у апстрима…
new-key-fault-label = Сначала дайте ключу метку.
new-key-fault-secret = Вставьте или введите ключ.
foot-add = Enter добавить  Tab поле  Esc отмена

confirm-title = Точно?
foot-confirm = Enter да  Esc нет
import-question = Скопировать ключи, которые есть на этой машине у kimi-cli, kimi-code и прежней kmi? Их файлы не изменятся.
fix-permissions-question = Закрыть файлы программы и файлы ключей от всех остальных?
fix-blocklist-question = Разблокировать все ключи, которые заблокированы или остывают?
fix-recheck-question = Спросить апстрим обо всех ключах прямо сейчас?
screen-kept = Экран сохранён: { $path }
errand-settings = { $count ->
    [one] В настройках { $count } ошибка: { $first }
    [few] В настройках { $count } ошибки, первая: { $first }
    [many] В настройках { $count } ошибок, первая: { $first }
   *[other] В настройках { $count } ошибки, первая: { $first }
}

quit-title = Выход
quit-question = { $count ->
    [one] Идёт { $count } запрос. Прервать его и выйти?
    [few] Идут { $count } запроса. Прервать их и выйти?
    [many] Идут { $count } запросов. Прервать их и выйти?
   *[other] Идут { $count } запроса. Прервать их и выйти?
}
quit-waiting = { $count ->
    [one] Ждём завершения { $count } запроса …
    [few] Ждём завершения { $count } запросов …
    [many] Ждём завершения { $count } запросов …
   *[other] Ждём завершения { $count } запроса …
}

details-request = Запрос
details-key = Ключ { $label }
details-gone = Этого больше нет.
details-window = { $window }: осталось { $left }
details-window-resets = { $window }: осталось { $left }, обновится { $moment } (через { $span })
details-contradiction = отчёт { $reported } назад: осталось { $left }; отказ { $refused } назад: { $cause }
details-activity = { $count ->
    [one] { $count } запрос
    [few] { $count } запроса
    [many] { $count } запросов
   *[other] { $count } запроса
} за { $span }
details-at-stake = { $count ->
    [one] { $count } диалог
    [few] { $count } диалога
    [many] { $count } диалогов
   *[other] { $count } диалога
} (токенов: { $tokens }), другому ключу читать заново
details-conversation = { $count ->
    [one] { $count } запрос
    [few] { $count } запроса
    [many] { $count } запросов
   *[other] { $count } запроса
}
details-cached = { $share } промптов из кэша
details-tokens = вход { $input } (из кэша { $cached }), выход { $output }
details-tokens-of = { $model }: { $tokens }
details-moment-ago = { $moment } ({ $age } назад)
details-moment-left = { $moment } (через { $span })
yes = да
no = нет
fact-status = Состояние
fact-skip = Пропускается
fact-who-acts = Кто решает
fact-back = Вернётся
fact-active = Активен
fact-masked = Секрет
fact-host = Хост
fact-source = Файл
fact-email = Почта
fact-priority = Приоритет
fact-requests = Запросы
fact-in-flight = В работе
fact-errors = Ошибки
fact-last-used = Был в деле
fact-tokens = Токены
fact-activity = Недавно
fact-at-stake = В кэше
fact-conversation = Диалог
fact-tokens-today = Токены сегодня
fact-tokens-week = За 7 дней
fact-contradiction = Противоречие
fact-expected = Вернётся
fact-waited = Ждал ключ
fact-shared-cause = Общая причина
fact-usage-checked = Проверка
fact-usage = Квота
fact-account = Аккаунт
fact-parallel = Одновременно
fact-shares = Общая квота с
fact-time = Время
fact-request-line = Запрос
fact-answer = Ответ
fact-trouble = Сбой
fact-error = Апстрим
fact-key = Ключ
fact-attempts = Попытки
fact-latency = Начало ответа
fact-first-byte = Первый байт
fact-total = Всего
fact-bytes = Байты
fact-model = Модель
fact-stream = Поток
fact-client = Клиент
fact-hint = Промпт
fact-request-id = Id запроса
fact-seen = Обнаружено
fact-fix = Что делать

# Что впереди, если всё пойдёт как сейчас.
runway-lead = При таком темпе
runway-lasts = квот хватит до сброса
runway-first = { $label } хватит до { $at }
runway-all = всех ключей до { $at }
runway-reset = первый сброс { $at }
runway-unused = { $share } у { $label } сгорит { $at }
runway-first-short = { $label } хватит до { $at }
runway-all-short = все до { $at }
runway-reset-short = сброс { $at }
runway-unused-short = { $share } у { $label } сгорит { $at }
quota-empty-in = пусто через { $span }
quota-resets-in = сброс через { $span }
quota-pace = { $share }/ч
quota-dry = пуст { $span }

# Темы. $theme — одно из этих названий или имя файла.
theme-dark = тёмная
theme-light = светлая
theme-high-contrast = контрастная
theme-colour-blind = для дальтоников
theme-mono = без цвета
theme-now = Тема: { $theme }
theme-no-colours = Тема: без цвета, потому что цветов здесь нет (NO_COLOR, --plain, --no-color или TERM=dumb)
theme-unknown = Темы «{ $value }» нет, поэтому она выбрана по фону терминала. Есть: auto, { $known }

# Ошибки в файле темы.
own-faults = { $count ->
    [one] { $count } ошибка в ваших темах и клавишах, все в stderr. Первая: { $first }
    [few] { $count } ошибки в ваших темах и клавишах, все в stderr. Первая: { $first }
    [many] { $count } ошибок в ваших темах и клавишах, все в stderr. Первая: { $first }
   *[other] { $count } ошибки в ваших темах и клавишах, все в stderr. Первая: { $first }
}
own-unreadable = { $file } не удаётся прочитать
own-not-toml = { $file }, строка { $line }: «{ $value }» — это не TOML
theme-not-base = { $file }, строка { $line }: основой не может быть «{ $value }»; есть: { $known }
theme-not-meaning = { $file }, строка { $line }: «{ $value }» ничего не значит; есть: base, background, foreground, { $known }
theme-not-style = { $file }, строка { $line }: «{ $value }» — это не стиль; стиль выглядит так: { "{ fg = \"#56b4e9\", bold = true }" }
theme-not-attribute = { $file }, строка { $line }: у стиля нет «{ $value }»; есть fg, bg, fg16, bg16, bold, dim, underlined, reversed
theme-not-colour = { $file }, строка { $line }: «{ $value }» — это не цвет; нужно "#rrggbb", название вроде "lightred", число до "255" или "default"
theme-not-page = { $file }, строка { $line }: «{ $value }»: нужен цвет вроде "#16181d"
theme-not-switch = { $file }, строка { $line }: «{ $value }»: нужно true или false

## Палитра

palette-title = Действия
palette-none = Такого действия нет.
foot-palette = Enter выполнить  Esc закрыть
foot-search = Enter оставить  Esc стереть
foot-sheet = / поиск  Esc закрыть
do-palette = действия
help-palette = найти действие по нескольким буквам
do-run-chosen = выполнить

## Свои клавиши

keys-not-action = { $file }, строка { $line }: нет действия «{ $value }»; все названы в docs/keys.md
keys-not-list = { $file }, строка { $line }: «{ $value }» должно быть списком клавиш, например ["r", "ctrl-r"]
keys-not-key = { $file }, строка { $line }: «{ $value }» — не клавиша; пишите r, R, ctrl-r, f5, space, enter и подобное
keys-clash = { $file }, строка { $line }: клавиша «{ $key }» уже занята действием «{ $other }»

## Отмена

do-undo = отменить
help-undo = отменить последнее действие
why-nothing-to-undo = Отменять нечего.
toast-undo = { $said } (отменить: { $key })

## Running requests

phase-reading = приём
phase-held = ждёт
phase-waiting = повтор
phase-asking = послан
phase-answering = ответ
wait-key = ключ через { $left }: { $why }
wait-gives-up = ещё { $left }: { $why }
wait-again = повтор через { $left }
passed-until = до { $time } (ещё { $span })
chosen-not = тоже свободен; выбран другой
details-running = Текущий запрос
details-phase = { $phase }, уже { $since }
details-gives-up = отказ { $moment } (через { $span })
details-process = { $name } (pid { $pid })
fact-doing = Сейчас
fact-keys = Ключи
fact-process = Программа
fact-session = Сессия
act-nobody = никто: вернётся сам
act-enable = вы: верните его в работу (e)
act-unblock = вы: снимите блок (u)
act-check-quota = никто: заработает после удачной проверки квоты (h проверит сейчас)
act-pay = вы: оплатите или продлите тариф, затем снимите блок (u)
act-ask-support = вы: напишите в поддержку провайдера, аккаунт отмечен или закрыт
act-replace-key = вы: создайте в аккаунте новый ключ, этот больше не действует
act-other-client = вы: возьмите клиент, разрешённый тарифом
act-other-model = вы: возьмите другую модель или тариф
act-check-plan = вы: посмотрите, что разрешает тариф аккаунта
act-mend-request = клиент: запрос надо исправить
do-cancel = прервать
help-cancel = прервать выбранный текущий запрос, спросив
do-send-to = передать
help-send-to = отдать выбранный текущий запрос другому ключу
why-ended = Этот запрос уже завершён.
why-reading = Запрос ещё принимается: его можно прервать (x), но не отдать другому ключу.
why-answering = Ответ уже начался: его можно прервать (x), но не отдать другому ключу.
why-one-key = Другого ключа нет.
cancel-question = Прервать { $method } { $path }? Клиент получит ошибку с объяснением.
cancel-answering-question = Прервать { $method } { $path }? У клиента ответ оборвётся.
pick-key-title = Какому ключу отдать?
pick-key-question = Прежний ключ больше не ждём; его запрос всё же может быть списан.
pick-key-free = может работать
foot-pick-key = Enter отдать  Esc отмена
