# doctor: words for people. One id, one meaning; the same ids in every language.

## Settings and auth files

doctor-env-file = Файл настроек
doctor-env-file-read = прочитан { $path }
doctor-env-file-none = нет; действуют умолчания и окружение
doctor-settings = Настройки
doctor-settings-fine = все имена известны, все значения годятся
doctor-auth-files = Файлы ключей
doctor-auth-files-fine = все файлы в { $path } поняты
doctor-auth-files-ignored = { $count ->
    [one] { $count } файл не просмотрен: { $names }
    [few] { $count } файла не просмотрены: { $names }
    [many] { $count } файлов не просмотрены: { $names }
   *[other] { $count } файла не просмотрены: { $names }
}
doctor-auth-files-ignored-fix = Если внутри ключ, пусть имя кончается на .env, .toml или .json.

## Keys

doctor-keys = Ключи
doctor-keys-none = нет ни одного ключа в { $path }
doctor-keys-none-fix = Добавьте ключ командой kmi-tui keys add alpha или положите туда файл вроде alpha.env со строкой KMI_API_KEY=…
doctor-keys-found = { $count ->
    [one] загружен { $count } ключ: { $labels }
    [few] загружены { $count } ключа: { $labels }
    [many] загружено { $count } ключей: { $labels }
   *[other] загружено { $count } ключа: { $labels }
}
doctor-keys-all-out = { $count ->
    [one] все ключи ({ $count }) заблокированы, отвергнуты или выключены
    [few] все { $count } ключа заблокированы, отвергнуты или выключены
    [many] все { $count } ключей заблокированы, отвергнуты или выключены
   *[other] все { $count } ключа заблокированы, отвергнуты или выключены
}
doctor-keys-all-out-fix = Разблокируйте один из них или добавьте другой: обслужить запрос некому.
doctor-keys-blocked = { $count ->
    [one] { $count } ключ заблокирован: { $labels }
    [few] { $count } ключа заблокированы: { $labels }
    [many] { $count } ключей заблокированы: { $labels }
   *[other] { $count } ключа заблокированы: { $labels }
}
doctor-keys-blocked-fix = Проверьте аккаунт. Когда всё улажено, разблокируйте: u в панели ключей или kmi-tui doctor --clear-blocklist.
doctor-keys-unauthorized = { $count ->
    [one] { $count } ключ отвергнут как недействительный: { $labels }
    [few] { $count } ключа отвергнуты как недействительные: { $labels }
    [many] { $count } ключей отвергнуты как недействительные: { $labels }
   *[other] { $count } ключа отвергнуты как недействительные: { $labels }
}
doctor-keys-unauthorized-fix = Скопируйте ключ в аккаунте заново или спросите апстрим ещё раз: kmi-tui doctor --recheck-keys.
doctor-keys-disabled = { $count ->
    [one] { $count } ключ выключен в своём файле: { $labels }
    [few] { $count } ключа выключены в своих файлах: { $labels }
    [many] { $count } ключей выключены в своих файлах: { $labels }
   *[other] { $count } ключа выключены в своих файлах: { $labels }
}
doctor-duplicates = Повторы
doctor-duplicates-none = у каждого ключа один файл и свой аккаунт
doctor-duplicates-no-files = у каждого ключа один файл; аккаунты пока не известны
doctor-duplicates-account = { $count ->
    [one] { $count } ключ делит аккаунт и его квоту: { $labels }
    [few] { $count } ключа делят один аккаунт и его квоту: { $labels }
    [many] { $count } ключей делят один аккаунт и его квоту: { $labels }
   *[other] { $count } ключа делят один аккаунт и его квоту: { $labels }
}
doctor-duplicates-account-fix = Когда квота кончится, они отдыхают вместе: хватит одного ключа на аккаунт.
doctor-usage = Квота
doctor-usage-left = { $count ->
    [one] квота есть у { $count } ключа: { $labels }
    [few] квота есть у { $count } ключей: { $labels }
    [many] квота есть у { $count } ключей: { $labels }
   *[other] квота есть у { $count } ключа: { $labels }
}
doctor-usage-empty = { $count ->
    [one] квота исчерпана у { $count } ключа: { $labels }
    [few] квота исчерпана у { $count } ключей: { $labels }
    [many] квота исчерпана у { $count } ключей: { $labels }
   *[other] квота исчерпана у { $count } ключа: { $labels }
}
doctor-usage-empty-fix = Ключ вернётся сам, вместе с квотой.
doctor-usage-unknown = { $count ->
    [one] { $count } ключ не проверялся: { $labels }
    [few] { $count } ключа не проверялись: { $labels }
    [many] { $count } ключей не проверялись: { $labels }
   *[other] { $count } ключа не проверялись: { $labels }
}
doctor-usage-unknown-fix = Проверить сейчас: kmi-tui doctor --recheck-keys.
doctor-usage-failed = { $count ->
    [one] не удалось проверить { $count } ключ: { $labels } ({ $fault })
    [few] не удалось проверить { $count } ключа: { $labels } ({ $fault })
    [many] не удалось проверить { $count } ключей: { $labels } ({ $fault })
   *[other] не удалось проверить { $count } ключа: { $labels } ({ $fault })
}
doctor-usage-failed-fix = Проверьте снова: h на панели или kmi-tui doctor --recheck-keys. У ключей открытой платформы отчёта о квоте нет.

## How requests are sent

doctor-dry-run = Пробный режим
doctor-dry-run-off = выключен: запросы идут апстриму
doctor-dry-run-on = включён: апстриму ничего не отправляется
doctor-dry-run-fix = Задайте KMI_DRY_RUN=0 или запустите без --dry-run.
doctor-auto-rotation = Авторотация
doctor-auto-rotation-on = включена: разговор переходит от ключа к ключу и каждый раз теряет кэш промпта
doctor-auto-rotation-on-fix = Задайте KMI_AFFINITY_SECONDS=3600, чтобы разговор оставался на своём ключе, или выключите её: kmi-tui auto-rotate off.
doctor-auto-rotation-affine = включена, и разговор остаётся на своём ключе
doctor-auto-rotation-off = разрешена и выключена
doctor-auto-rotation-not-allowed = не разрешена (KMI_AUTO_ROTATE_ALLOWED=0); запросы идут к активному ключу

## The proxy's edge

doctor-bind = Доступ
doctor-bind-local = { $address } — только этот компьютер
doctor-bind-remote = { $address } открыт сети, с токеном
doctor-bind-open = { $address } открыт сети без токена
doctor-bind-open-fix = Задайте KMI_PROXY_LISTEN=127.0.0.1:54123 или длинный KMI_PROXY_TOKEN.
doctor-tls = TLS
doctor-tls-own = прокси сам шифрует соединения
doctor-tls-expired = срок действия сертификата прокси истёк: клиенты его не примут
doctor-tls-expires = сертификат прокси истекает через { $span }
doctor-tls-expires-fix = Обновите файл, указанный в KMI_PROXY_TLS_CERT: работающий прокси сам подхватит новый.
doctor-tls-in-front = шифрует то, что стоит перед прокси
doctor-tls-not-needed = на этом компьютере не нужен
doctor-tls-none = нет: промпты и токен идут по сети открытым текстом
doctor-tls-none-fix = Задайте KMI_PROXY_TLS_CERT и KMI_PROXY_TLS_KEY, либо поставьте перед прокси TLS и задайте KMI_PROXY_TLS_TERMINATED=1, либо слушайте только этот компьютер.
doctor-token = Токен
doctor-token-none = нет: прокси доступен всем программам этого компьютера
doctor-token-missing = нет: ваши ключи доступны всем в сети
doctor-token-short = { $count ->
    [one] в KMI_PROXY_TOKEN { $count } символ: его можно подобрать
    [few] в KMI_PROXY_TOKEN { $count } символа: его можно подобрать
    [many] в KMI_PROXY_TOKEN { $count } символов: его можно подобрать
   *[other] в KMI_PROXY_TOKEN { $count } символа: его можно подобрать
}
doctor-token-plain = { $count ->
    [one] в KMI_PROXY_TOKEN всего { $count } разный символ: его можно подобрать
    [few] в KMI_PROXY_TOKEN всего { $count } разных символа: его можно подобрать
    [many] в KMI_PROXY_TOKEN всего { $count } разных символов: его можно подобрать
   *[other] в KMI_PROXY_TOKEN всего { $count } разного символа: его можно подобрать
}
doctor-token-strong = { $count ->
    [one] { $count } символ
    [few] { $count } символа
    [many] { $count } символов
   *[other] { $count } символа
}
doctor-token-fix = Задайте KMI_PROXY_TOKEN случайным текстом из 32 символов, например из: openssl rand -hex 16
doctor-port = Порт
doctor-port-any = порт 0: любой свободный при запуске прокси
doctor-port-free = { $address } свободен
doctor-port-ours = прокси слушает { $address }
doctor-port-held = { $address } занят другой программой
doctor-port-held-by = { $address } занимает { $program } (pid { $pid })
doctor-port-unusable = { $address } слушать нельзя: { $error }
doctor-port-fix = Остановите эту программу или выберите другой адрес: --listen или KMI_PROXY_LISTEN.
doctor-instance = Экземпляр
doctor-instance-own = этот, pid { $pid }
doctor-instance-none = на этой папке состояния kmi-tui не запущен
doctor-instance-running = запущен kmi-tui { $version }, pid { $pid }
doctor-instance-other = запущен kmi-tui { $version }, pid { $pid }, а это { $own }
doctor-instance-silent = папку состояния держит экземпляр (pid { $pid }), у которого нет управляющего сокета
doctor-instance-pid = Его pid — { $pid }.
doctor-instance-fix = Остановите его и запустите снова.

## The way to the upstream

doctor-upstream = Апстрим
doctor-upstream-not-tried = не проверялось (пробный режим или проверки квот выключены)
doctor-upstream-reached = { $host } отвечает (соединение за { $connected } мс, ответ за { $answered } мс)
doctor-upstream-slow-fix = Медленно. Проверьте, не мешает ли VPN или занятый канал.
doctor-upstream-troubled = { $host } отвечает ошибкой: статус { $status }
doctor-upstream-troubled-fix = Неполадки у самого апстрима. Попробуйте через несколько минут.
doctor-upstream-no-name = { $host }: имя не найдено ({ $error })
doctor-upstream-no-name-fix = Проверьте DNS и написание KMI_UPSTREAM_BASE_URL и адресов в файлах ключей.
doctor-upstream-no-connection = { $host } не принимает соединений: { $error }
doctor-upstream-fix = Проверьте сеть, межсетевой экран и KMI_UPSTREAM_BASE_URL.
doctor-upstream-no-tls = { $host }: нет соединения TLS: { $error }
doctor-upstream-no-tls-fix = Проверьте часы и сертификаты компьютера и не читает ли кто-то TLS по дороге.
doctor-upstream-no-http = { $host } отвечает не как веб-сервер: { $error }
doctor-upstream-no-http-fix = Проверьте KMI_UPSTREAM_BASE_URL и не отвечает ли кто-то по дороге вместо него.
doctor-upstream-no-answer = { $host } не отвечает в течение 5 с
doctor-clock = Часы
doctor-clock-right = согласны с { $host }
doctor-clock-unknown = не сверены: ни один апстрим не назвал времени
doctor-clock-ahead = спешат на { $span } против { $host }
doctor-clock-behind = отстают на { $span } от { $host }
doctor-clock-fix = Поставьте часы компьютера, лучше всего по NTP: сбросы и паузы привязаны к времени.

## Clients

doctor-clients = Клиенты
doctor-clients-none = настройки клиентов не найдены
doctor-clients-none-fix = Направьте их сюда: клиентов OpenAI на { $address }, Claude Code на { $anthropic }.
doctor-clients-proxy = { $program } идёт сюда ({ $place })
doctor-clients-doubled = { $program }: { $place } — { $base }, лишний /v1; здесь это всё равно работает
doctor-clients-beside = { $program }: { $place } — { $base }, мимо пути прокси
doctor-clients-other-port = { $program }: { $place } — { $base }, там этот прокси не слушает
doctor-clients-upstream = { $program }: { $place } — { $base }: прямо к апстриму, мимо прокси
doctor-clients-elsewhere = { $program }: { $place } — { $base }, это не Kimi
doctor-clients-unknown = { $program }: { $place } — { $base }; порт прокси выбирается при запуске
doctor-clients-fix = Укажите { $address }
doctor-clients-unreadable = { $program }: не удаётся понять { $place }
doctor-clients-unreadable-fix = Исправьте синтаксис или укажите полный адрес: http://127.0.0.1:54123/kmi-rotor/v1.
doctor-clients-no-key = { $program }: { $place } — { $base }, но { $name } не задан
doctor-clients-no-key-fix = Задайте значение KMI_PROXY_TOKEN, а если токена нет — любое слово.
doctor-clients-wrong-key = { $program }: { $place } — { $base }, но его ключ — не KMI_PROXY_TOKEN: он получит отказ
doctor-clients-wrong-key-fix = Дайте ему ключом значение KMI_PROXY_TOKEN.

## Files and the machine

doctor-state = Файл состояния
doctor-state-not-saved = { $count ->
    [one] не удалось сохранить { $count } раз подряд
    [few] не удалось сохранить { $count } раза подряд
    [many] не удалось сохранить { $count } раз подряд
   *[other] не удалось сохранить { $count } раза подряд
}
doctor-state-corrupt = это не объект JSON; при следующем запуске он будет отложен, а блокировки и счётчики забыты
doctor-state-corrupt-fix = Если есть копия, остановите kmi-tui и верните её на место.
doctor-trace = Трасса
doctor-trace-dropped = { $count ->
    [one] потеряна { $count } запись
    [few] потеряны { $count } записи
    [many] потеряно { $count } записей
   *[other] потеряно { $count } записи
}
doctor-trace-unwritten = { $count ->
    [one] запись на диск не удаётся: ждёт { $count } запись
    [few] запись на диск не удаётся: ждут { $count } записи
    [many] запись на диск не удаётся: ждут { $count } записей
   *[other] запись на диск не удаётся: ждут { $count } записи
}
doctor-log = Журнал
doctor-log-dropped = { $count ->
    [one] потеряна { $count } строка
    [few] потеряны { $count } строки
    [many] потеряно { $count } строк
   *[other] потеряно { $count } строки
}
doctor-file-missing = пока нет
doctor-file-present = { $kilobytes } КБ
doctor-file-changed = { $kilobytes } КБ, запись { $age } назад
doctor-file-unreadable = не читается: { $error }
doctor-file-unreadable-fix = Верните файл своему пользователю или выберите другую папку: --state-dir.
doctor-file-not-written-fix = Проверьте место на диске, его скорость и журнал.
doctor-permissions = Права доступа
doctor-permissions-fine = ключи и состояние доступны только вам
doctor-permissions-open = { $count ->
    [one] { $count } путь открыт другим: { $paths }
    [few] { $count } пути открыты другим: { $paths }
    [many] { $count } путей открыты другим: { $paths }
   *[other] { $count } пути открыты другим: { $paths }
}
doctor-permissions-fix = kmi-tui doctor --fix поставит 700 папкам и 600 файлам.
doctor-disk = Место на диске
doctor-disk-free = свободно { $megabytes } МБ
doctor-disk-read-only = диск папки состояния только для чтения
doctor-disk-no-files = на диск папки состояния не поместится ни один новый файл
doctor-disk-unknown = неизвестно
doctor-disk-fix = Освободите место или выберите другую папку: --state-dir. Размер трассы ограничивают KMI_TRACE_MAX_MB и KMI_TRACE_BACKUPS.
doctor-open-files = Открытые файлы
doctor-open-files-enough = { $limit } сразу
doctor-open-files-unlimited = сколько угодно
doctor-open-files-few = { $limit } сразу, а KMI_PROXY_MAX_CONNECTIONS может занять { $wanted }
doctor-open-files-fix = Поднимите предел (ulimit -n, LimitNOFILE=) или уменьшите KMI_PROXY_MAX_CONNECTIONS.

## The command

doctor-word-ok = ок
doctor-word-info = к слову
doctor-word-warn = внимание
doctor-word-fail = ошибка
doctor-count = { $ok } ок, { $info } к слову, { $warnings ->
    [one] { $warnings } предупреждение
    [few] { $warnings } предупреждения
    [many] { $warnings } предупреждений
   *[other] { $warnings } предупреждения
}, { $failures ->
    [one] { $failures } ошибка
    [few] { $failures } ошибки
    [many] { $failures } ошибок
   *[other] { $failures } ошибки
}
doctor-cleared = { $done ->
    [one] Разблокирован { $done } ключ, заблокировано ещё { $left }.
    [few] Разблокированы { $done } ключа, заблокировано ещё { $left }.
    [many] Разблокировано { $done } ключей, заблокировано ещё { $left }.
   *[other] Разблокировано { $done } ключа, заблокировано ещё { $left }.
}
doctor-rechecked = { $done ->
    [one] Проверен { $done } ключ, не удалось: { $left }.
    [few] Проверены { $done } ключа, не удалось: { $left }.
    [many] Проверено { $done } ключей, не удалось: { $left }.
   *[other] Проверено { $done } ключа, не удалось: { $left }.
}
doctor-rechecked-dry = Ключи не проверялись: это пробный режим.
doctor-rechecking = проверено { $done } из { $all }
doctor-fixed = { $done ->
    [one] Закрыт от других { $done } путь, оставлено как было: { $left }.
    [few] Закрыты от других { $done } пути, оставлено как было: { $left }.
    [many] Закрыто от других { $done } путей, оставлено как было: { $left }.
   *[other] Закрыто от других { $done } пути, оставлено как было: { $left }.
}
doctor-fixed-path = { $path }: теперь { $mode }
doctor-fix-left = { $path }: оставлено как было: { $error }
doctor-fix-link = по символической ссылке не иду
doctor-not-done = Не сделано: { $reason }
doctor-not-done-settings = настройки неверны. Сначала исправьте их.
