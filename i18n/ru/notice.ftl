# notice: words for people. One id, one meaning; the same ids in every language.

span-seconds = { $large } с
span-minutes = { $small ->
    [0] { $large } мин
   *[other] { $large } мин { $small } с
}
span-hours = { $small ->
    [0] { $large } ч
   *[other] { $large } ч { $small } мин
}
span-days = { $small ->
    [0] { $large } д
   *[other] { $large } д { $small } ч
}

notice-rotated = Активный ключ теперь { $label }: { $why }.{ $price }
notice-price = {" "}Кэш { $count ->
    [one] { $count } диалога
    [few] { $count } диалогов
    [many] { $count } диалогов
   *[other] { $count } диалога
} (токенов: { $tokens }) остался у { $label }.
notice-stayed = Активный ключ остаётся { $label }: { $why }.
why-only-eligible = остальные ключи сейчас не могут работать
why-status = он в лучшем состоянии
why-remaining = у него осталось больше всего квоты
why-error-rate = у него меньше всего ошибок
why-tie-moves = несколько ключей одинаково хороши, и он следующий по очереди
why-tie-stays = лучшего ключа нет
why-asked = так вы попросили
notice-auto-rotate-on = Авторотация включена: каждый запрос идёт к следующему здоровому ключу.
notice-auto-rotate-off = Авторотация выключена: запросы идут к активному ключу.
notice-blocked = { $label } заблокирован, пока вы его не разблокируете.
notice-blocked-until = { $label } заблокирован до { $until }.
notice-unblocked = { $label } разблокирован; к нему больше нет претензий.
notice-cancelled = Запрос { $id } прерван.
notice-sent-to = Запрос { $id } отдан ключу { $label }.
notice-refreshing = Проверяем квоту каждого ключа.
notice-doctor = Идут проверки.
notice-cooled-down = { $label } отдыхает до { $until }: { $cause }.
notice-key-blocked-until = { $label }: отказ из-за оплаты; заблокирован до { $until }.
notice-key-blocked-for-good = { $label } заблокирован апстримом. Проверьте аккаунт, затем разблокируйте ключ.
notice-key-unauthorized = { $label } отвергнут как недействительный (401). Он вернётся, когда проверка квоты пройдёт.
notice-key-cleared = { $label } снова в порядке.

notice-keys-added = { $more ->
    [0] Добавлен ключ { $label }.
    [one] Добавлены { $label } и ещё { $more } ключ.
    [few] Добавлены { $label } и ещё { $more } ключа.
    [many] Добавлены { $label } и ещё { $more } ключей.
   *[other] Добавлены { $label } и ещё { $more } ключа.
}
notice-keys-changed = { $more ->
    [0] Изменён ключ { $label }.
    [one] Изменены { $label } и ещё { $more } ключ.
    [few] Изменены { $label } и ещё { $more } ключа.
    [many] Изменены { $label } и ещё { $more } ключей.
   *[other] Изменены { $label } и ещё { $more } ключа.
}
notice-keys-removed = { $more ->
    [0] Убран ключ { $label }. Его текущие запросы завершатся.
    [one] Убраны { $label } и ещё { $more } ключ. Их текущие запросы завершатся.
    [few] Убраны { $label } и ещё { $more } ключа. Их текущие запросы завершатся.
    [many] Убраны { $label } и ещё { $more } ключей. Их текущие запросы завершатся.
   *[other] Убраны { $label } и ещё { $more } ключа. Их текущие запросы завершатся.
}

shared-client-identity = Все ключи ({ $count }) ответили «{ $cause }» программе { $client }, а раньше её не обслуживали: похоже, сервис не принимает эту программу. Ключи не виноваты.
shared-address = Все ключи ({ $count }) за секунды ответили «{ $cause }»: похоже, ограничен ваш сетевой адрес, а не ключи. Ключи не виноваты.
shared-request = Все ключи ({ $count }) ответили «{ $cause }» на один запрос, хотя другие обслуживались: похоже, дело в самом запросе. Ключи не виноваты.
shared-upstream-busy = Все ключи ({ $count }) ответили «{ $cause }»: сервис перегружен. Ключи не виноваты; повторите чуть позже.
shared-upstream = Все ключи ({ $count }) за секунды ответили «{ $cause }»: дело в сервисе или в вашей сети. Ключи не виноваты.

refused-no-keys = Нет ни одного ключа. Добавьте его: kmi-tui keys add. Негодные файлы назовёт kmi-tui doctor.
refused-none-eligible = Сейчас ни один ключ не может работать, переключаться не на что.
refused-unknown-label = Нет ключа с именем { $label }.
refused-not-eligible = { $label } сейчас не может работать: { $why }.
refused-not-eligible-until = { $label } не может работать до { $until }: { $why }.
refused-request-ended = Запрос { $id } уже завершён.
refused-reading = Запрос { $id } ещё принимается: его можно прервать, но не отдать другому ключу.
refused-answering = Ответ на запрос { $id } уже начался: его можно прервать, но не отдать другому ключу.
refused-auto-rotate = Авторотация не разрешена. Задайте KMI_AUTO_ROTATE_ALLOWED=1, если условия провайдера допускают объединение ключей.

store-create-failed = Не удаётся создать { $path }: { $error }. Проверьте права на папку или выберите другую: --state-dir.
store-read-failed = Не удаётся прочесть { $path }: { $error }. Проверьте права; файл оставлен как есть.
store-write-failed = Не удаётся записать { $path }: { $error }. Проверьте права и место на диске.
store-lock-failed = Не удаётся запереть { $path }: { $error }. Возможно, файл держит другая программа; попробуйте ещё раз.
store-held = Другой kmi-tui использует папку состояния { $path }. Остановите его или выберите другую папку: --state-dir.
store-held-by = Другой kmi-tui (pid { $pid }) использует папку состояния { $path }. Остановите его или выберите другую папку: --state-dir.
state-corrupt = state.json не читается и отложен как { $path }; счётчики начаты заново.
state-newer = state.json записан более новой версией; неизвестное здесь сохранено.
state-odd-field = state.json: поле { $field } неверно и сброшено.
notice-background = Фоновый прокси принимает работу …
notice-background-failed = Фонового прокси нет: { $reason }
notice-reloading = Читаю настройки и файлы ключей заново …
notice-unblocked-all = { $count ->
    [0] Заблокированных и отдыхающих ключей нет.
    [one] Снова в работе { $count } ключ.
    [few] Снова в работе { $count } ключа.
    [many] Снова в работе { $count } ключей.
   *[other] Снова в работе { $count } ключа.
}

tls-unread = Не удалось прочитать { $path }: { $error }.
tls-no-certificate = В { $path } нет сертификата. Нужен PEM, который начинается с BEGIN CERTIFICATE.
tls-no-key = В { $path } нет закрытого ключа. Нужен PEM, который начинается с BEGIN PRIVATE KEY.
tls-unfit = { $cert } и { $key } не подходят друг к другу: { $error }.
tls-reloaded = Новый сертификат TLS уже действует.
tls-not-reloaded = Файлы TLS изменились, но не годятся, поэтому остаётся прежний сертификат. { $why }

alert-blocked = Ключ { $label } заблокирован: { $why }.
alert-all-out = Не осталось ни одного рабочего ключа.
alert-all-out-until = До { $until } рабочих ключей нет.
alert-quota = { $label }: осталось { $left }% квоты ({ $window }).
alert-more = { $count ->
    [one] И ещё { $count } событие.
    [few] И ещё { $count } события.
    [many] И ещё { $count } событий.
   *[other] И ещё { $count } события.
}
