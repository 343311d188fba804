# commands: what the commands of the command line say.

key-added = Ключ { $label } добавлен: { $path }
keys-imported = { $count ->
    [one] Перенесён { $count } ключ в { $path }: { $labels }.
    [few] Перенесены { $count } ключа в { $path }: { $labels }.
    [many] Перенесено { $count } ключей в { $path }: { $labels }.
   *[other] Перенесено { $count } ключа в { $path }: { $labels }.
}
keys-imported-none = Копировать нечего: у других программ нет ключей, которых ещё нет здесь.
init-file-made = { $path }: создан, в нём все настройки и их значения по умолчанию.
init-file-there = { $path }: уже есть и не тронут.
init-file-question = { $path } уже есть. Изменить в нём { $names }? Прежний файл останется рядом. [y/N]
init-file-kept = { $path }: не тронут, { $names } там нет. С --yes вопроса не будет.
init-file-changed = { $path }: задано { $names }. Прежний файл — { $backup }.
init-folder-made = { $path }: создана папка для ключей.
init-folder-there = { $path }: папка ключей уже есть.
init-failed = Записать { $path } не удалось: { $error }.
init-found = { $count ->
    [one] У других программ есть { $count } ключ, которого здесь ещё нет:
    [few] У других программ есть { $count } ключа, которых здесь ещё нет:
    [many] У других программ есть { $count } ключей, которых здесь ещё нет:
   *[other] У других программ есть { $count } ключа, которых здесь ещё нет:
}
init-found-key = {"  "}{ $label }  { $place }
init-import-question = { $count ->
    [one] Скопировать { $count } ключ? [y/N]
    [few] Скопировать { $count } ключа? [y/N]
    [many] Скопировать { $count } ключей? [y/N]
   *[other] Скопировать { $count } ключа? [y/N]
}
init-not-imported = Ничего не скопировано. С --yes вопроса не будет.
init-next =
    Дальше:
      kmi-tui           панель и прокси
      kmi-tui clients   как направить сюда свои программы
      kmi-tui doctor    что не так и как это исправить
init-next-first-key =
    Дальше:
      kmi-tui keys add МЕТКА   первый ключ; ввод скрыт
      kmi-tui                  панель и прокси
      kmi-tui clients          как направить сюда свои программы
key-removed = Ключ { $label } убран. Его файл теперь { $path }.
key-remove-question = Убрать ключ { $label }? Файл { $path } останется под другим именем. [y/N]
key-kept = Ничего не изменено. С --yes вопроса не будет.
key-enabled = Ключ { $label } используется.
key-disabled = Ключ { $label } отключён.
key-unknown = Ключа «{ $label }» нет. Список покажет kmi-tui keys.
key-label-odd = «{ $label }» не годится в имя файла. Годятся латинские буквы, цифры, «.», «_» и «-», не более 64.
key-label-taken = Ключ «{ $label }» уже есть. Выберите другую метку.
key-base-url = «{ $value }» — не адрес, куда можно отправлять ключ. Пишите https://узел/путь; узлы кроме Kimi и Moonshot нужно внести в KMI_UPSTREAM_ALLOWLIST.
key-odd = Это не ключ: { $fault }.
key-there = Этот ключ уже используется под меткой { $label }.
key-unread = Прочитать ключ не удалось: { $error }
key-prompt = API-ключ (не виден):{" "}
key-refused = { $host } не принимает этот ключ: { $fault }. Ничего не записано.
key-unreached = Проверить ключ не удалось: { $host } не отвечает как должен ({ $fault }). Ничего не записано.
key-refused-hint = { $said } С --unchecked он сохранится и так.
key-unchecked = Проверить ключ не удалось: { $error }. Ничего не записано.
key-file-foreign = Ключ { $label } взят из { $path }, а это файл другой программы. Измените его там.
key-file-there = Файл { $path } уже есть. Выберите другую метку.
key-file-failed = Записать { $path } не удалось: { $error }
health-windows = осталось (сброс через)
e2e-needs-headers = e2e узнаёт ключ по заголовкам ответов. Задайте KMI_PROXY_HEADERS=1.
e2e-progress = Запросов: { $done } из { $all }, равномерность { $percent }%
e2e-good = Равномерность { $percent }% (нужно не меньше { $least }%): авторотация работает.
e2e-bad = { $count ->
    [0] Равномерность { $percent }% (нужно не меньше { $least }%): авторотация не делит запросы между ключами. Почему ключ пропускается, покажет kmi-tui status.
    [one] Равномерность { $percent }%, и { $count } запрос не удался. Почему ключ пропускается, покажет kmi-tui status.
    [few] Равномерность { $percent }%, и { $count } запроса не удались. Почему ключ пропускается, покажет kmi-tui status.
    [many] Равномерность { $percent }%, и { $count } запросов не удались. Почему ключ пропускается, покажет kmi-tui status.
   *[other] Равномерность { $percent }%, и { $count } запроса не удались. Почему ключ пропускается, покажет kmi-tui status.
}
wrapper-missing = Программы kimi нет в PATH. Сначала установите kimi-cli или kimi-code.
wrapper-failed = Запустить kimi не удалось: { $error }
rotated-config-written = Ключ { $label } записан и в { $path }, для kimi-cli без прокси.
rotated-config-written-first = Ключ { $label } записан и в { $path }, для kimi-cli без прокси. Прежний файл: { $backup }. С KMI_WRITE_CONFIG=0 этот файл не меняется.
rotated-config-failed = Ключ сменён, но изменить { $path } не удалось: { $error }. С KMI_WRITE_CONFIG=0 этот файл не меняется.
rotated-config-broken = Ключ сменён, но { $path } — не TOML и оставлен как есть. Исправьте его или задайте KMI_WRITE_CONFIG=0.
clients-unknown = Клиент «{ $name }» здесь неизвестен. Известны: { $names }.
client-kimi-cli =
    kimi-cli (Python, до 1.51): файл ~/.kimi/config.toml целиком или добавить в него. Хватит и переменных среды, но без
    search и fetch: KIMI_BASE_URL={ $base } KIMI_API_KEY={ $token } KIMI_MODEL_NAME=kimi-for-coding
client-kimi-code = kimi-code (npm, 2.x): файл ~/.kimi-code/config.toml целиком или добавить в него. KIMI_BASE_URL и KIMI_API_KEY он не читает.
client-claude-code = Claude Code: переменные среды. Адрес без /v1.
client-opencode = opencode: в opencode.json. Адрес с /v1.
client-openai = SDK OpenAI и программы, которым нужен адрес, «совместимый с OpenAI»
client-anthropic = SDK Anthropic. Адрес без /v1.
client-curl = curl
rehearse-number = №
rehearse-why = почему
rehearse-none = ни один ключ не годен
rehearse-none-until = ни один ключ не годен ещё { $span }
rehearse-passed-over = Пропущены в конце:
report-written = Записано: { $path }. Прочтите, прежде чем отправить.
report-hidden = { $count ->
    [one] В нём найден и скрыт { $count } секрет. Сообщите нам, где: его там быть не должно.
    [few] В нём найдены и скрыты { $count } секрета. Сообщите нам, где: их там быть не должно.
    [many] В нём найдены и скрыты { $count } секретов. Сообщите нам, где: их там быть не должно.
   *[other] В нём найдены и скрыты { $count } секрета. Сообщите нам, где: их там быть не должно.
}
report-failed = Записать { $path } не удалось: { $error }. Назовите другой файл в --output.
man-name = НАЗВАНИЕ
man-synopsis = СИНТАКСИС
man-description = ОПИСАНИЕ
man-version = ВЕРСИЯ
man-manual = Руководство kmi-tui
man-exit = КОД ВЫХОДА
man-exit-codes = 0 — готово, 1 — не удалось или что-то не в порядке, 2 — неверный вызов или настройки.
man-files = ФАЙЛЫ
man-file-auths = Ключи, по файлу на каждый.
man-file-state = Счётчики, паузы и блокировки.
man-file-trace = По строке на каждый запрос.
man-file-log = Что происходило.
man-environment = ОКРУЖЕНИЕ
man-environment-about = Настройки и их значения по умолчанию. Чем выше, тем важнее: параметры, файл из --env-file или KMI_ENV_PATH, окружение, ./.env.
man-failed = Записать руководство в «{ $path }» не удалось: { $error }
logs-none = В { $path } ничего нет.

cli-screenshot = Сохранить экран панели как текст, ANSI или SVG
cli-screenshot-demo = Экран демо, а не запущенного kmi-tui
cli-screenshot-size = Столбцы и строки
cli-screenshot-pane = Панель в фокусе: keys, quota, trace, limits или doctor
cli-screenshot-zoom = Только эта панель
cli-screenshot-after = Через столько секунд работы демо; иначе как только есть на что посмотреть
cli-screenshot-format = text, ansi или svg; иначе по имени файла
cli-screenshot-file = Куда записать; иначе stdout
screenshot-wrong-size = «{ $value }» — не размер. Напишите столбцы и строки, например 120x40, не больше 500.
screenshot-wrong-pane = «{ $value }» — не панель. Есть keys, quota, trace, limits и doctor.
screenshot-wrong-format = «{ $value }» — не формат. Есть text, ansi и svg.
screenshot-none = С этой папкой состояния kmi-tui не запущен. Запустите его или добавьте --demo.
screenshot-failed = Не удалось записать { $path }: { $error }.
screenshot-no-demo = Демо не запустилось: { $error }.
