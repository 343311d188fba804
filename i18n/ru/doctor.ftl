# doctor: words for people. One id, one meaning; the same ids in every language.

doctor-env-file = Файл настроек
doctor-env-file-read = прочитан { $path }
doctor-env-file-none = нет; действуют умолчания и окружение
doctor-keys = Ключи
doctor-keys-none = нет ни одного ключа в { $path }
doctor-keys-none-fix = Положите туда файл вроде alpha.env со строкой KMI_API_KEY=… и запустите снова.
doctor-keys-found = { $count ->
    [one] загружен { $count } ключ
    [few] загружено { $count } ключа
    [many] загружено { $count } ключей
   *[other] загружено { $count } ключа
}
doctor-keys-blocked = { $count ->
    [one] { $count } ключ заблокирован: { $labels }
    [few] { $count } ключа заблокированы: { $labels }
    [many] { $count } ключей заблокированы: { $labels }
   *[other] { $count } ключа заблокированы: { $labels }
}
doctor-keys-blocked-fix = Проверьте их аккаунты; когда всё улажено, разблокируйте клавишей u в панели ключей.
doctor-settings = Настройки и файлы ключей
doctor-usage = Проверка квот
doctor-usage-failed = { $count ->
    [one] не удалось проверить { $count } ключ: { $labels } ({ $fault })
    [few] не удалось проверить { $count } ключа: { $labels } ({ $fault })
    [many] не удалось проверить { $count } ключей: { $labels } ({ $fault })
   *[other] не удалось проверить { $count } ключа: { $labels } ({ $fault })
}
doctor-usage-failed-fix = Нажмите h, чтобы проверить снова. У ключей открытой платформы отчёта о квоте нет.
doctor-dry-run = Пробный режим
doctor-dry-run-off = выключен: запросы идут апстриму
doctor-dry-run-on = включён: апстриму ничего не отправляется
doctor-dry-run-fix = Задайте KMI_DRY_RUN=0 или запустите без --dry-run.
doctor-auto-rotation = Авторотация
doctor-auto-rotation-on = включена: разговор переходит от ключа к ключу и каждый раз теряет кэш промпта
doctor-auto-rotation-on-fix = Задайте KMI_AFFINITY_SECONDS=3600, чтобы разговор оставался на своём ключе, или выключите её клавишей a.
doctor-auto-rotation-affine = включена, и разговор остаётся на своём ключе
doctor-auto-rotation-off = разрешена и выключена
doctor-auto-rotation-not-allowed = не разрешена (KMI_AUTO_ROTATE_ALLOWED=0); запросы идут к активному ключу
doctor-bind = Прокси
doctor-bind-local = { $address }, только этот компьютер
doctor-bind-local-token = { $address }, только этот компьютер, с токеном
doctor-bind-remote = { $address } открыт сети, с токеном
doctor-bind-open = { $address } открыт сети без токена
doctor-upstream = Апстрим
doctor-upstream-not-tried = в пробном режиме не проверяется
doctor-upstream-reached = { $host } принимает соединения ({ $ms } мс)
doctor-upstream-unreachable = { $host } недоступен: { $error }
doctor-upstream-fix = Проверьте сеть, DNS и KMI_UPSTREAM_BASE_URL.
doctor-permissions = Права на файлы
doctor-permissions-fine = ключи и состояние доступны только вам
doctor-permissions-open = { $count ->
    [one] { $count } путь доступен другим: { $paths }
    [few] { $count } пути доступны другим: { $paths }
    [many] { $count } путей доступны другим: { $paths }
   *[other] { $count } пути доступны другим: { $paths }
}
doctor-permissions-fix = Задайте chmod 700 папкам и 600 файлам.
doctor-state = Файл состояния
doctor-trace = Трасса
doctor-log = Журнал
doctor-file-missing = пока нет
doctor-file-present = { $kilobytes } КБ
doctor-file-unreadable = не читается: { $error }
doctor-file-unreadable-fix = Верните файл своему пользователю или выберите другую папку: --state-dir.
